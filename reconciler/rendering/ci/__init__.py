"""Problems and test results in the formats of CI systems: GitHub, GitLab, JUnit, SARIF.

Pure, like all of `rendering`. Entry points: the rows of `rendering/forms.py`.
"""
