"""A disk that may lose power: what is asked of it is taped, and any moment of the tape can be its last."""
