"""Commands that say what there is: schemas, fields, events, providers, completion."""
