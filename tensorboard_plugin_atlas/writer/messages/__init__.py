# SPDX-License-Identifier: Apache-2.0
"""What the writer shows to the user: failures, fallbacks, and the state of a continued log."""
