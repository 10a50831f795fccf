"""The layers of a convolutional network by hand, in NumPy: Section 2 of the paper as code.

Features are NCHW, (batch, channels, height, width); kernels (out channels, in channels, height,
width). The arrays are float32 or float64, and the results are what the inputs are. Read
`window` first, then `convolution` with one of its implementations, then `pooling`.
"""
