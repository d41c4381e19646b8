# SPDX-License-Identifier: Apache-2.0
"""Log directories: what is written beside events, atlases read back from them, and their doctor."""
