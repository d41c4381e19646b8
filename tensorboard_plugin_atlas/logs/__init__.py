# SPDX-License-Identifier: Apache-2.0
"""Event files: reads, writes, resumes, checks, and repairs logs of atlases."""
