# SPDX-License-Identifier: Apache-2.0
"""What the plugin's routes answer with: series of atlases, their cache and the tab's own files."""
