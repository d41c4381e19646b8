# SPDX-License-Identifier: Apache-2.0
"""What a layout is made of: neighbours, descent, what holds rows in place, noise and quality."""
