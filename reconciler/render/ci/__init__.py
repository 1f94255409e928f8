"""Problems and test results in the formats of CI systems: GitHub, GitLab, JUnit, SARIF.

Pure, like all of `render`. Entry points: the rows of `render/forms.py`.
"""
