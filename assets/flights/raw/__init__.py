"""What the publisher delivers, typed and checked: one file per table, its contract and its transform."""
