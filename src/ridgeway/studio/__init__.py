"""The studio: live runs, the course and the quiz, in a browser."""
