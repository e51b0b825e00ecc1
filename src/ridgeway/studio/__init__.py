"""The studio: live runs, the course with real experiments, and the quiz, served by one small web application."""
