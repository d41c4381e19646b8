# SPDX-License-Identifier: Apache-2.0
"""Atlas x Atlas -> how a network changed, and what its cells hold; numpy alone."""
