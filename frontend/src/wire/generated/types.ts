// SPDX-License-Identifier: Apache-2.0
// Written by scripts/generate.mjs from tensorboard_plugin_atlas/wire/schema.json. Do not edit.
/** Types of the JSON that the plugin sends. */

/** Stored form of the activations; see `StoredActivations`. */
export interface ActivationsEntry {
  /** Stored form. */
  readonly kind: 'float16' | 'pca' | 'uint8';
  /** Share of the variance that the stored form lost. */
  readonly lost_variance: number;
}

/** Manifest of an atlas: one layer at one step. */
export interface AtlasManifest {
  /** Always "atlas". */
  readonly kind: 'atlas';
  /** Wire version. */
  readonly version: 4;
  /** `blobs[i]` describes blob i + 1 of the sequence. */
  readonly blobs: readonly BlobEntry[];
  /** Dotted module name. */
  readonly layer: string;
  /** Global step. */
  readonly step: number;
  /** Running number among the atlases of the layer, from 1. */
  readonly sequence: number;
  /** Seconds since the epoch. */
  readonly wall_time: number;
  /** Class names, or null. */
  readonly classes: readonly string[] | null;
  /** N. */
  readonly samples: number;
  /** Number of samples in the log if the tab gets only some of them, which are then the N samples; else null, as in every log. */
  readonly logged_samples: number | null;
  /** C; N x C is at most `MAX_ACTIVATIONS`. */
  readonly channels: number;
  /** Grids by rising size. */
  readonly grids: readonly GridEntry[];
  /** Quality of the map. */
  readonly quality: QualityEntry;
  /** Stored form of the activations. */
  readonly activations: ActivationsEntry;
  /** Origin of the atlas. */
  readonly provenance: ProvenanceEntry;
  /** Steps that were skipped since the previous atlas. */
  readonly skipped: readonly SkippedEntry[];
  /** The unit square in the units of the layout, null in logs that lack it. */
  readonly viewport: ViewportEntry | null;
  /** Concepts by rising id, null where they were not tracked. */
  readonly concepts: readonly ConceptEntry[] | null;
  /** Groups of concepts by rising id, null without groups. */
  readonly groups: readonly ConceptGroupEntry[] | null;
  /** Change of the concepts since the previous atlas, null if there is none. */
  readonly concept_change: ConceptChangeEntry | null;
  /** Changes of concepts and predictions since the previous atlas, highest score first. */
  readonly events: readonly EventEntry[];
}

/** Horizontal axis of an atlas of two classes; see `Axis`. */
export interface AxisEntry {
  /** Index of the class on the left. */
  readonly left: number;
  /** Index of the class on the right. */
  readonly right: number;
  /** Difference of both attributions at the edges of the map, in logits. */
  readonly reach: number;
  /** Trustworthiness of the vertical axis alone, or null. */
  readonly trustworthiness: number | null;
}

/** What a manifest states about one blob. */
export interface BlobEntry {
  /** What the blob holds. */
  readonly role: 'activations' | 'map' | 'patches' | 'probe' | 'sheet' | 'thumbs';
  /** Encoding of the blob. */
  readonly format: 'safetensors' | 'webp';
  /** Length in bytes. */
  readonly bytes: number;
  /** CRC-32C of the blob, eight lower-case hex digits. */
  readonly crc32c: string;
  /** Size of the grid that a sheet belongs to, null for other roles. */
  readonly grid: number | null;
  /** Number of the page among the sheets of its grid or of the probe, from 0, or null. */
  readonly page: number | null;
}

/** A cell of a grid. */
export interface CellEntry {
  /** Size of the grid. */
  readonly grid: number;
  /** Row from the top, less than `grid`. */
  readonly row: number;
  /** Column from the left, less than `grid`. */
  readonly col: number;
}

/** Key `class_atlas` of `provenance.layer_info`, in an atlas of one or two classes. */
export interface ClassAtlasEntry {
  /** Dotted module name. */
  readonly layer: string;
  /** Index of each class. */
  readonly classes: readonly number[];
  /** Name of each class, as in the name of the series. */
  readonly names: readonly string[];
  /** Which samples were taken: "winner" or "top". */
  readonly rule: 'top' | 'winner';
  /** Horizontal axis of two classes, null for one. */
  readonly axis: AxisEntry | null;
}

/** How much the concepts changed since the previous atlas; see `ConceptChange`. */
export interface ConceptChangeEntry {
  /** Modularity of the concepts in the neighbor graph, at most 1. */
  readonly modularity: number;
  /** Share of all samples that changed their concept by an event. */
  readonly by_events: number;
  /** Share of all samples that changed their concept otherwise. */
  readonly by_churn: number;
}

/** One concept at one step; see `ConceptState`. */
export interface ConceptEntry {
  /** Number of the concept, the same at every step. */
  readonly id: number;
  /** Its most frequent classes and a rank. */
  readonly name: string;
  /** Samples that belong to it at this step. */
  readonly size: number;
  /** Most frequent label among them, or null. */
  readonly top_class: number | null;
  /** Share of them with that label. */
  readonly top_share: number;
  /** Step at which it was first seen. */
  readonly born: number;
  /** Confidence that it is the concept of the step before, from 0 to 1. */
  readonly confidence: number;
  /** Id of its group, null without groups. */
  readonly group: number | null;
  /** Share of its samples that joined it since the previous step, events aside, or null. */
  readonly joined: number | null;
  /** Share of its previous samples that left it, events aside, or null. */
  readonly left: number | null;
}

/** A group of similar concepts at one step; see `ConceptGroup`. */
export interface ConceptGroupEntry {
  /** Number of the group, the same at every step. */
  readonly id: number;
  /** Its most frequent classes and a rank. */
  readonly name: string;
  /** Samples of all its concepts at this step. */
  readonly size: number;
}

/** An error of a request. */
export interface ErrorEntry {
  /** "bad_request", "not_found", "method", "damaged", "too_new" or "internal". Readers treat another kind, which a later version may add, as "internal". */
  readonly kind: string;
  /** One sentence for people. */
  readonly message: string;
}

/** Body of a response with a status of 400 or more. */
export interface ErrorResponse {
  /** The error. */
  readonly error: ErrorEntry;
}

/** A change of concepts or predictions since the previous atlas; see `Event`. */
export interface EventEntry {
  /** Kind of change. */
  readonly kind: 'born' | 'confidence' | 'dies' | 'flips' | 'merges' | 'splits';
  /** One sentence for people. */
  readonly text: string;
  /** Rank among the events of a run, at least 0. */
  readonly score: number;
  /** From 0 to 1. */
  readonly confidence: number;
  /** Step of the previous atlas. */
  readonly before_step: number;
  /** Ids of the concepts that the change started with. */
  readonly before: readonly number[];
  /** Ids of the concepts that it ended with. */
  readonly after: readonly number[];
  /** Cell to show, on this atlas or, if no concept is left, on the previous one. */
  readonly cell: CellEntry | null;
  /** Samples that changed their concept, prediction, or confidence by it, or null. */
  readonly samples: number | null;
  /** Of a change of predictions ("flips"): label, prediction before, and prediction now of its samples. Of a change of confidence ("confidence"): their label. Null for all other kinds. */
  readonly classes: readonly number[] | null;
  /** Images whose prediction or confidence changed by it, null for all other kinds. */
  readonly images: number | null;
}

/** An image before and after a patch is pasted on it; see `PastedImage`. */
export interface ExampleEntry {
  /** Index of the image in the probe dataset. */
  readonly image: number;
  /** Predicted class without the patch. */
  readonly before: number;
  /** Predicted class with the patch. */
  readonly after: number;
  /** Probability of the target of the patch, without the patch. */
  readonly probability_before: number;
  /** The same with the patch. */
  readonly probability_after: number;
}

/** What an exported page contains, besides the bodies of the responses. */
export interface ExportedPage {
  /** Title of the page. */
  readonly title: string;
  /** Date and time of the export, ISO 8601. */
  readonly exported: string;
  /** Sentences on what is left out of the log. */
  readonly omitted: readonly string[];
  /** Hash of the address that the page opens with, or "". */
  readonly link: string;
  /** The requests; the body of number i is in the element `atlas-i`, as base64. */
  readonly requests: readonly RecordedRequest[];
}

/** One grid of an atlas. */
export interface GridEntry {
  /** Cells along each axis. */
  readonly size: number;
  /** M, the cells that have an icon or are shown without one. */
  readonly cells: number;
  /** Side of an icon in pixels, null without icons. */
  readonly tile: number | null;
  /** Icons in a row of a page, null without icons. */
  readonly columns: number | null;
}

/** A concept of a series. */
export interface HistoryConcept {
  /** Number of the concept. */
  readonly id: number;
  /** Its name at the last step that has it. */
  readonly name: string;
  /** Id of its group at that step, null without groups. */
  readonly group: number | null;
}

/** A change of concepts or predictions at one step of a series; see `EventEntry`. */
export interface HistoryEvent {
  /** Global step of the atlas. */
  readonly step: number;
  /** Kind of change. */
  readonly kind: 'born' | 'confidence' | 'dies' | 'flips' | 'merges' | 'splits';
  /** One sentence for people. */
  readonly text: string;
  /** Rank among the events of a run, at least 0. */
  readonly score: number;
  /** From 0 to 1. */
  readonly confidence: number;
  /** Step of the previous atlas. */
  readonly before_step: number;
  /** Ids of the concepts that the change started with. */
  readonly before: readonly number[];
  /** Ids of the concepts that it ended with. */
  readonly after: readonly number[];
  /** Cell to show, at `step` or, if no concept is left, at `before_step`. */
  readonly cell: CellEntry | null;
  /** Samples that changed their concept, prediction, or confidence by it, or null. */
  readonly samples: number | null;
  /** Of a change of predictions ("flips"): label, prediction before, and prediction now of its samples. Of a change of confidence ("confidence"): their label. Null for all other kinds. */
  readonly classes: readonly number[] | null;
}

/** A group of concepts of a series. */
export interface HistoryGroup {
  /** Number of the group. */
  readonly id: number;
  /** Its name at the last step that has it. */
  readonly name: string;
}

/** Response of `history`: what the manifests of one series state. */
export interface HistoryResponse {
  /** Opaque id of the series. */
  readonly id: string;
  /** Atlases that were logged, as far as known. */
  readonly logged: number;
  /** Steps that TensorBoard kept. */
  readonly kept: number;
  /** Kept steps, ascending. */
  readonly steps: readonly HistoryStep[];
  /** Steps that were skipped, ascending. */
  readonly skipped: readonly SkippedEntry[];
  /** Events of all steps, highest score first; null where no step tracked concepts. */
  readonly events: readonly HistoryEvent[] | null;
  /** Events in all manifests; only the first are listed. */
  readonly events_found: number;
  /** Concepts of all steps by rising id; null where no step tracked concepts. Of more than the limit, those that were seen last. */
  readonly concepts: readonly HistoryConcept[] | null;
  /** Groups of all steps in the same way; null without groups. */
  readonly groups: readonly HistoryGroup[] | null;
}

/** One step of a series. */
export interface HistoryStep {
  /** Global step. */
  readonly step: number;
  /** Seconds since the epoch. */
  readonly wall_time: number;
  /** Revision of the atlas that is shown. */
  readonly revision: 'logged' | 'preliminary' | 'refined';
  /** Running number of the atlas, null where its manifest cannot be read. */
  readonly sequence: number | null;
  /** Whether the atlas can be read. */
  readonly status: 'damaged' | 'ok' | 'too_new';
  /** Why it cannot be read, or null. */
  readonly reason: string | null;
  /** Trustworthiness of the map, or null. */
  readonly trustworthiness: number | null;
  /** Share of neighbors kept on the map, or null. */
  readonly neighbors_kept: number | null;
  /** Number of samples, or null. */
  readonly samples: number | null;
  /** Concepts of the step, null where they were not tracked. */
  readonly concepts: HistoryStepConcepts | null;
}

/** The concepts of one step, and how many samples changed their concept since the step before. */
export interface HistoryStepConcepts {
  /** Ids of the concepts with the most samples, largest first, and by rising id of one size. */
  readonly ids: readonly number[];
  /** Samples of each. */
  readonly sizes: readonly number[];
  /** Share of all samples that changed their concept by an event, or null. */
  readonly by_events: number | null;
  /** Share of all samples that changed their concept otherwise, or null. */
  readonly by_churn: number | null;
}

/** Response of `index`: every run and layer. */
export interface IndexResponse {
  /** Version of the responses. */
  readonly version: 2;
  /** Steps of each tag that TensorBoard keeps, null for all. */
  readonly kept_limit: number | null;
  /** Runs by name. */
  readonly runs: readonly RunEntry[];
}

/** Layout of the sheet of patches. */
export interface PatchesEntry {
  /** Side of a tile in pixels, equal to the longest side of any patch. */
  readonly tile: number;
  /** Tiles in a row. */
  readonly columns: number;
}

/** Manifest of the images of a probe. */
export interface ProbeManifest {
  /** Always "probe". */
  readonly kind: 'probe';
  /** Wire version. */
  readonly version: 4;
  /** `blobs[i]` describes blob i + 1 of the sequence. */
  readonly blobs: readonly BlobEntry[];
  /** Hash of the probe, equal to `provenance.probe` of its atlases. */
  readonly digest: string;
  /** Number of images. */
  readonly images: number;
  /** Height and width of the images as the model takes them. */
  readonly input_size: readonly [number, number];
  /** Height and width of a thumbnail within its tile. */
  readonly thumb_size: readonly [number, number];
  /** Side of a tile in pixels. */
  readonly tile: number;
  /** Tiles in a row of a page. */
  readonly columns: number;
  /** Class names, or null. */
  readonly classes: readonly string[] | null;
}

/** Origin of an atlas; see `Provenance`. */
export interface ProvenanceEntry {
  /** Every value of `AtlasConfig`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Hash of the images, labels and positions of the probe. */
  readonly probe: string;
  /** Class name of the model. */
  readonly model: string;
  /** Library name to version. */
  readonly versions: Readonly<Record<string, unknown>>;
  /** Measurements of the layer. */
  readonly layer_info: Readonly<Record<string, unknown>>;
  /** Sentences about fallbacks. */
  readonly notes: readonly string[];
}

/** Quality of a map; see `Quality`. */
export interface QualityEntry {
  /** Trustworthiness (Venna and Kaski 2001), null where it is undefined. */
  readonly trustworthiness: number | null;
  /** Mean share of the 15 nearest neighbors that are neighbors on the map. */
  readonly neighbors_kept: number | null;
  /** Samples that were moved to the border of the viewport. */
  readonly clamped: number;
  /** Samples with NaN or infinity in their activations. */
  readonly invalid: number;
  /** Channels that are constant over all samples. */
  readonly dead_channels: number;
  /** Effective rank of the activations (Roy and Vetterli 2007), or null. */
  readonly effective_rank: number | null;
}

/** A request whose response is in an exported page. */
export interface RecordedRequest {
  /** Route and query, as the tab writes them. */
  readonly request: string;
  /** HTTP status of the response. */
  readonly status: number;
  /** Whether the body is stored compressed. */
  readonly gzipped: boolean;
}

/** One run. */
export interface RunEntry {
  /** Opaque id of the run. */
  readonly id: string;
  /** TensorBoard's name of the run. */
  readonly run: string;
  /** Whether the images of the probe were logged. */
  readonly probe: boolean;
  /** Layers of the run. */
  readonly series: readonly SeriesEntry[];
}

/** One layer of one run. */
export interface SeriesEntry {
  /** Opaque id of the series. */
  readonly id: string;
  /** Dotted module name. */
  readonly layer: string;
  /** Kept steps, ascending. */
  readonly steps: readonly number[];
  /** Seconds since the epoch of each step, 0 where unknown. */
  readonly wall_times: readonly number[];
  /** Opaque text of each step; it changes whenever another record counts for the step. */
  readonly versions: readonly string[];
  /** Steps at which shortcuts were logged. */
  readonly shortcuts: readonly number[];
}

/** A patch and its tests; see `LoggedShortcut`. */
export interface ShortcutEntry {
  /** Number of the position and target, the same at every step of a log. */
  readonly id: number;
  /** Index of the class that the patch makes the network predict. */
  readonly target: number;
  /** y0, x0, y1, x1 in input pixels. */
  readonly box: readonly [number, number, number, number];
  /** Share of the image that the patch covers. */
  readonly area: number;
  /** Share of images that the patch flips to the target. */
  readonly flip_rate: number;
  /** The same at random positions. */
  readonly anywhere_flip_rate: number;
  /** The same for noise of the mean color of the patch. */
  readonly noise_flip_rate: number;
  /** The same for patches of images of other classes. */
  readonly other_flip_rate: number;
  /** The same for patches of images of the target class. */
  readonly same_flip_rate: number;
  /** 95 % confidence interval of `flip_rate - noise_flip_rate`. */
  readonly interval: readonly [number, number];
  /** Lower bound of `flip_rate - other_flip_rate` over the root of area + 0.02. */
  readonly strength: number;
  /** Images of the cell that the patch was found in. */
  readonly support: number;
  /** Whether the test of this step passes. */
  readonly significant: boolean;
  /** First step whose test passed, or null. */
  readonly since: number | null;
  /** Index of the image that the patch was cut from. */
  readonly image: number;
  /** Tests by rising step. */
  readonly history: readonly ShortcutTestEntry[];
  /** Samples of the atlas whose activations are most similar, the nearest first. */
  readonly samples: readonly number[];
  /** Cosine with the nearest of them, or null. */
  readonly similarity: number | null;
  /** Some of the images that the patch was tested on. */
  readonly examples: readonly ExampleEntry[];
}

/** Test of a patch at one step; see `ShortcutTest`. */
export interface ShortcutTestEntry {
  /** Global step. */
  readonly step: number;
  /** Share of images that the patch flips to its target, or null. */
  readonly flip_rate: number | null;
  /** The same for noise of the mean color of the patch. */
  readonly noise_flip_rate: number | null;
  /** Whether the test passes. */
  readonly significant: boolean;
}

/** Manifest of the shortcuts of one layer at one step, and the response of `shortcuts`. */
export interface ShortcutsManifest {
  /** Always "shortcuts". */
  readonly kind: 'shortcuts';
  /** Wire version. */
  readonly version: 4;
  /** The sheet of patches; empty where nothing was found. */
  readonly blobs: readonly BlobEntry[];
  /** Dotted module name. */
  readonly layer: string;
  /** Global step. */
  readonly step: number;
  /** Seconds since the epoch. */
  readonly wall_time: number;
  /** Class names, or null. */
  readonly classes: readonly string[] | null;
  /** Hash of the probe. */
  readonly probe: string;
  /** Height and width of the images as the model takes them. */
  readonly input_size: readonly [number, number];
  /** Images of the probe that were searched. */
  readonly images: number;
  /** Layout of the sheet, null where nothing was found. */
  readonly patches: PatchesEntry | null;
  /** The shortcuts, strongest first. */
  readonly found: readonly ShortcutEntry[];
}

/** A requested step that has no atlas. */
export interface SkippedEntry {
  /** Global step. */
  readonly step: number;
  /** "busy": the queue was full; "budget": the time budget was used up; or "failed". */
  readonly reason: 'budget' | 'busy' | 'failed';
}

/** One array in the header of a safetensors blob. */
export interface TensorEntry {
  /** Element type, little-endian. */
  readonly dtype: 'F16' | 'F32' | 'I32' | 'U16' | 'U8';
  /** Length of each dimension. */
  readonly shape: readonly number[];
  /** First byte and end of the data, counted from the end of the header. */
  readonly data_offsets: readonly [number, number];
}

/** The unit square of the map in the units of the layout. */
export interface ViewportEntry {
  /** Left edge. */
  readonly x0: number;
  /** Top edge. */
  readonly y0: number;
  /** Right edge, larger than `x0`. */
  readonly x1: number;
  /** Bottom edge, larger than `y0`. */
  readonly y1: number;
}
