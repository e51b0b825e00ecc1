"""The teacher's pages: classes, attempts, items, export."""
