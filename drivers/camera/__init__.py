"""Cameras: the Pi's own over picamera2, any USB camera over OpenCV, a folder of pictures."""
