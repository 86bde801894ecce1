"""What passes between server and client: who may speak, bodies, errors, events."""
