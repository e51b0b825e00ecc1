"""The studio: live runs, the course with experiments on the real engine, the quiz, and the teacher's pages."""
