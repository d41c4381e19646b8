# SPDX-License-Identifier: Apache-2.0
"""The probe: fixed images, the positions sampled in them, and their patches."""
