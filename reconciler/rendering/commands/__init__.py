"""The outputs of single commands: `doctor`, `events`, `explain`, `export`.

Pure, like all of `rendering`. Outputs that several commands share are in the folder above.
"""
