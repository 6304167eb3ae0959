"""Makes picture.png, a drawing of our own, and edges.png, what OpenCV 4 finds in it.

Run: python3 canny.py (needs opencv-python or Debian's python3-opencv)
"""

import cv2
import numpy

random = numpy.random.default_rng(14)
picture = numpy.full((96, 128, 3), 40, numpy.uint8)
for _ in range(9):
    center = tuple(int(value) for value in random.integers(0, 128, 2))
    color = tuple(int(value) for value in random.integers(0, 255, 3))
    cv2.circle(picture, center, int(random.integers(4, 30)), color, -1, cv2.LINE_AA)
for _ in range(4):
    ends = [tuple(int(value) for value in random.integers(0, 96, 2)) for _ in range(2)]
    cv2.line(picture, *ends, (255, 255, 255), 2, cv2.LINE_AA)
noisy = picture.astype(int) + random.normal(0, 8, picture.shape)
picture = numpy.clip(noisy, 0, 255).astype(numpy.uint8)
# The channels are in the order of the PNG file, as our reader has them.
edges = cv2.Canny(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), 100, 200)
cv2.imwrite("picture.png", picture)
cv2.imwrite("edges.png", edges)
