"""Draws face.png, a face that nobody has, for the test of the face detector.

Run: python3 face.py (needs opencv-python or Debian's python3-opencv)
"""

import cv2
import numpy

face = numpy.full((240, 240), 100, numpy.uint8)
cv2.ellipse(face, (120, 125), (68, 86), 0, 0, 360, 200, -1)
cv2.ellipse(face, (120, 70), (75, 50), 0, 180, 360, 30, -1)
for side in (-1, 1):
    eye = 120 + side * 30
    cv2.ellipse(face, (eye, 108), (18, 10), 0, 0, 360, 90, -1)
    cv2.rectangle(face, (eye - 20, 88), (eye + 20, 94), 70, -1)
cv2.ellipse(face, (120, 150), (14, 8), 0, 0, 180, 140, -1)
cv2.ellipse(face, (120, 175), (28, 7), 0, 0, 360, 80, -1)
cv2.imwrite("face.png", cv2.GaussianBlur(face, (0, 0), 4))
