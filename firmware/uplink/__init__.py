"""The box's side of the wire to the centre. Blocking: the app runs it on a worker thread."""
