"""Carry out the renames of renames.tsv on a tree: python rename.py TREE [--dry-run] [--only KIND].

Needs libcst and git. Modules are moved by `git mv`, and their dotted and slashed paths are replaced by whole words in
every text file. Functions, classes and constants are renamed by libcst's qualified names, so a local variable, a
parameter or a keyword of the same spelling stays as it is. Lines whose kind is `hand` are printed, not carried out.
Ends with 1 where a line of the table finds nothing to rename, or its new name is taken. Afterwards: ruff check --fix
(imports' order), ruff format, pyright, the tests.
"""

import argparse
import csv
import re
import subprocess
import sys
from pathlib import Path

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import MetadataWrapper, QualifiedNameProvider, QualifiedNameSource

TABLE = Path(__file__).with_name("renames.tsv")
# Where modules lie, and what their first part is called.
ROOTS = {"platform/": "", "assets/": "", "tests/": "tests/"}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".ipynb", ".ambr", ".txt", ".in", ".tpl", ".json", ""}


def tracked(tree: Path) -> list[Path]:
    listed = subprocess.run(["git", "-C", str(tree), "ls-files", "-z"], capture_output=True, check=True, text=True)
    return [tree / name for name in listed.stdout.split("\0") if name and (tree / name).is_file()]


def dotted(path: str) -> str:
    """The module's name of a path: platform/taxiway/upkeep.py is taxiway.upkeep."""
    for root, kept in ROOTS.items():
        if path.startswith(root):
            return (kept + path.removeprefix(root)).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    raise SystemExit(f"{path} is in none of {', '.join(ROOTS)}")


class Renamer(cst.CSTTransformer):
    """Renames what has one of these qualified names, by which other modules know it, in one module."""

    METADATA_DEPENDENCIES = (QualifiedNameProvider,)

    def __init__(self, module: str, is_package: bool, names: dict[str, str]) -> None:
        super().__init__()
        self.module = module
        self.package = module if is_package else module.rpartition(".")[0]
        self.names = names
        self.done: set[str] = set()
        self.skip: set[int] = set()

    def new_name(self, node: cst.CSTNode) -> str | None:
        for found in self.get_metadata(QualifiedNameProvider, node, set()):
            name = found.name if found.source is QualifiedNameSource.IMPORT else f"{self.module}.{found.name}"
            if found.source is QualifiedNameSource.IMPORT and name.startswith("."):
                dots = len(name) - len(name.lstrip("."))
                base = self.package.split(".")
                name = ".".join([*base[: len(base) - dots + 1], name.lstrip(".")])
            if name in self.names:
                self.done.add(name)
                return self.names[name]
        return None

    def visit_Arg(self, node: cst.Arg) -> None:
        if node.keyword is not None:
            self.skip.add(id(node.keyword))

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self.skip.add(id(node.attr))

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        if id(original_node) in self.skip:
            return updated_node
        new = self.new_name(original_node)
        return updated_node.with_changes(value=new) if new and updated_node.value in self.old_words() else updated_node

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:
        new = self.new_name(original_node)
        if new and updated_node.attr.value in self.old_words():
            return updated_node.with_changes(attr=cst.Name(new))
        return updated_node

    def leave_ImportFrom(self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom) -> cst.ImportFrom:
        if isinstance(updated_node.names, cst.ImportStar):
            return updated_node
        module = get_full_name_for_node(original_node.module) if original_node.module else ""
        if original_node.relative:
            base = self.package.split(".")
            base = base[: len(base) - len(original_node.relative) + 1]
            module = ".".join([*base, module] if module else base)
        names = []
        for alias in updated_node.names:
            old = original_name(original_node, alias, self.names, module)
            if old:
                self.done.add(old)
                alias = alias.with_changes(name=cst.Name(self.names[old]))
            names.append(alias)
        return updated_node.with_changes(names=names)

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.SimpleString:
        """`__all__`, types in quotes and tables of lazy imports name them in strings: whole strings only."""
        value = original_node.raw_value
        exported = {old.rpartition(".")[2]: new for old, new in self.names.items() if self.in_reach(old)}
        if self.in_annotation:
            # A type in quotes: its words that this module defines or imports.
            made = re.sub(r"\b[A-Za-z_]+\b", lambda word: self.typed.get(word[0], word[0]), value)
            return updated_node.with_changes(value=f"{original_node.prefix}{original_node.quote}{made}{original_node.quote}")
        if value in exported and re.fullmatch(r"[A-Za-z_]+", value) and self.is_export:
            quote = original_node.quote
            return updated_node.with_changes(value=f"{original_node.prefix}{quote}{exported[value]}{quote}")
        return updated_node

    is_export = False
    in_annotation = False
    typed: dict[str, str] = {}

    def visit_Module(self, node: cst.Module) -> None:
        """What this module defines or imports of what is renamed."""
        imported = re.findall(r"from ([\w.]+) import ([^\n(]+|\([^)]*\))", node.code)
        known = {(module, word) for module, words in imported for word in re.findall(r"\w+", words)}
        self.typed = {
            word: new for old, new in self.names.items()
            for module, _, word in [old.rpartition(".")] if module == self.module or (module, word) in known
        }

    def visit_Annotation(self, node: cst.Annotation) -> None:
        self.in_annotation = True

    def leave_Annotation(self, original_node: cst.Annotation, updated_node: cst.Annotation) -> cst.Annotation:
        self.in_annotation = False
        return updated_node

    def visit_Assign(self, node: cst.Assign) -> None:
        target = node.targets[0].target
        self.is_export = isinstance(target, cst.Name) and target.value == "__all__"

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        self.is_export = False
        return updated_node

    def in_reach(self, old: str) -> bool:
        """Whether a name is of this package, which may export it."""
        return old.startswith(f"{self.module}.")

    def old_words(self) -> set[str]:
        return {old.rpartition(".")[2] for old in self.names}


def original_name(node: cst.ImportFrom, alias: cst.ImportAlias, names: dict[str, str], module: str) -> str | None:
    """The qualified name that an import means, where that is to be renamed; a package may hand on its modules' own."""
    word = get_full_name_for_node(alias.name)
    exact = f"{module}.{word}"
    if exact in names:
        return exact
    handed_on = [old for old in names if old.startswith(f"{module}.") and old.rpartition(".")[2] == word]
    return handed_on[0] if len(handed_on) == 1 and module in PACKAGES else None


PACKAGES: set[str] = set()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("tree", type=Path)
    options.add_argument("--dry-run", action="store_true")
    options.add_argument("--only", choices=["module", "name"], help="only modules, or only what is in them")
    chosen = options.parse_args()
    tree = chosen.tree.resolve()
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    problems = []
    names = {f"{dotted(row['files'].split()[0])}.{row['old']}": row["new"] for row in rows
             if row["kind"] in ("function", "class", "constant")}
    moves = {row["old"]: row["new"] for row in rows if row["kind"] == "module"}
    for file in tracked(tree):
        if file.name == "__init__.py" and file.suffix == ".py":
            relative = str(file.relative_to(tree))
            if relative.startswith(tuple(ROOTS)):
                PACKAGES.add(dotted(relative))
    if chosen.only != "module":
        problems += rename_names(tree, names, dry_run=chosen.dry_run)
    if chosen.only != "name":
        problems += move_modules(tree, moves, dry_run=chosen.dry_run)
    for row in rows:
        if row["kind"] == "hand":
            print(f"by hand: {row['old']} -> {row['new']} in {row['files']}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def rename_names(tree: Path, names: dict[str, str], *, dry_run: bool) -> list[str]:
    done: set[str] = set()
    problems = []
    # What a package hands on is known by that name too.
    for file in tracked(tree):
        relative = str(file.relative_to(tree))
        if file.suffix != ".py" or not relative.startswith(tuple(ROOTS)):
            continue
        text = file.read_text(encoding="utf-8")
        mine = {old: new for old, new in names.items() if re.search(rf"\b{old.rpartition('.')[2]}\b", text)}
        if not mine:
            continue
        module = dotted(relative)
        handed_on = {}
        for old, new in mine.items():
            parts = old.split(".")
            for length in range(1, len(parts) - 1):
                package = ".".join(parts[:length])
                if package in PACKAGES:
                    handed_on[f"{package}.{parts[-1]}"] = new
        renamer = Renamer(module, file.name == "__init__.py", handed_on | mine)
        made = MetadataWrapper(cst.parse_module(text)).visit(renamer).code
        done |= {old for old in mine if any(old.endswith(f".{each.rpartition('.')[2]}") for each in renamer.done)}
        if made != text:
            for new in set(mine.values()):
                if re.search(rf"\b{new}\b", text):
                    problems.append(f"{relative}: {new} is a word there already; look at what came of it")
            print(f"{relative}: {', '.join(sorted(old.rpartition('.')[2] for old in mine))}")
            if not dry_run:
                file.write_text(made, encoding="utf-8")
    return [*problems, *(f"nothing is called {old}" for old in sorted(names.keys() - done))]


def move_modules(tree: Path, moves: dict[str, str], *, dry_run: bool) -> list[str]:
    problems = []
    replaced: dict[str, str] = {}
    for old, new in moves.items():
        if not (tree / old).is_file():
            problems.append(f"there is no {old}")
            continue
        if (tree / new).exists():
            problems.append(f"{new} is there already")
            continue
        replaced[dotted(old)] = dotted(new)
        for root in ROOTS:
            if old.startswith(root):
                short, shorter = old.removeprefix(root).removesuffix(".py"), new.removeprefix(root).removesuffix(".py")
                # platform/taxiway/engines/duckdb.py, taxiway/engines/duckdb, and engines/duckdb.connect in docs.
                replaced[short] = shorter
                if "/" in short.removeprefix("taxiway/"):
                    replaced[short.removeprefix("taxiway/")] = shorter.removeprefix("taxiway/")
        print(f"{old} -> {new}")
        if not dry_run:
            (tree / new).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["git", "-C", str(tree), "mv", old, new], check=True)
    if dry_run or not replaced:
        return problems
    # Not within a longer path or word: taxiway.lake.owner is not taxiway.lake.owner_of.
    pattern = re.compile(r"(?<![\w./-])((?:platform/|assets/)?)(" + "|".join(map(re.escape, sorted(replaced, key=len, reverse=True))) + r")(?![\w/-])")
    imports = {old: new for old, new in replaced.items() if "." in old}
    for file in tracked(tree):
        if file.suffix not in TEXT:
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        made = pattern.sub(lambda match: match[1] + replaced[match[2]], text)
        for old, new in imports.items():
            package, _, word = old.rpartition(".")
            # from taxiway.orchestration import quiet: the module, imported from its package.
            made = re.sub(rf"(from {re.escape(package)} import )([^\n(]*\b){word}\b(?!\()", rf"\1\2{new.rpartition('.')[2]} as {word}", made) if _imports_module(made, package, word, tree, new) else made
        if made != text:
            file.write_text(made, encoding="utf-8")
    return problems


def _imports_module(text: str, package: str, word: str, tree: Path, new: str) -> bool:
    """Whether `word` is imported from its package as a module: the package itself does not hand on such a name."""
    if not re.search(rf"from {re.escape(package)} import [^\n(]*\b{word}\b", text):
        return False
    folder = next((tree / root / package.removeprefix("tests").lstrip(".").replace(".", "/") for root in ROOTS
                   if (tree / root / package.removeprefix("tests").lstrip(".").replace(".", "/")).is_dir()), None)
    init = folder / "__init__.py" if folder else None
    return init is None or not init.is_file() or not re.search(rf"\b{word}\b", init.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
