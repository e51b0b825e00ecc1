"""The studio: live runs, the course and the quiz, in one small web server.

`settings` says how it runs; `app` puts it together; `pages`, `i18n` and `security` are what every page stands on; each
section (`runs`, `course`, `quiz`, `teacher`) is a package with its routes. `serving` is the server itself.
"""
