"""The model: trained walk-forward, its predictions, how good they were.

`late_model` fits and scores, `baselines` is what it is held against, `figures` draws; `delay_model`,
`predictions` and `evaluation` are the tables.
"""
