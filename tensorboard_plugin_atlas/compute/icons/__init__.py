# SPDX-License-Identifier: Apache-2.0
"""How icons are made: networks cut short, the space of pictures, inversion, and its targets."""
