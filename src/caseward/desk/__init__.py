"""What a story can ask for: a room does its one verb and calls no other room."""
