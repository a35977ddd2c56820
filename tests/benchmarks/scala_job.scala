// A team's job in Scala: runs each NAME.sql of a folder, as `taxiway compile` prints it, and writes its rows to
// NAME.parquet there; so many rounds. The seconds of computing and writing in each round go to seconds.json.
import java.nio.file.{Files, Path, Paths}
import scala.jdk.CollectionConverters._

def statements(script: Path): Seq[String] =
  Files.readString(script).split(";\\s*(\n|$)").map(_.trim).filter(_.nonEmpty).toSeq

def run(script: Path): Unit = {
  val all = statements(script)
  all.init.foreach(spark.sql(_))
  spark.sql(all.last).write.mode("overwrite").parquet(script.toString.stripSuffix(".sql") + ".parquet")
}

def seconds(scripts: Seq[Path]): Double = {
  val began = System.nanoTime
  scripts.foreach(run)
  (System.nanoTime - began) / 1e9
}

try {
  val folder = Paths.get(spark.conf.get("spark.job.folder"))
  val scripts = Files.list(folder).iterator.asScala.filter(_.toString.endsWith(".sql")).toSeq.sorted
  val rounds = (1 to spark.conf.get("spark.job.rounds").toInt).map(_ => seconds(scripts))
  Files.writeString(folder.resolve("seconds.json"), rounds.mkString("[", ", ", "]"))
  System.exit(0)
} catch {
  case failed: Throwable =>
    System.err.println(failed)
    System.exit(1)
}
