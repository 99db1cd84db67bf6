public import SystemPackage
public import Tensors

/// The `glance.*` metadata of an adapter: which part of which schedule it serves, and what it was
/// trained with. Keys and formats are those of formats/glance-metadata.md.
public struct GlanceMetadata: Sendable, Equatable {
  /// Short name of the family: `flux1`.
  public var family: String?
  /// The phase that the adapter serves: `slow`, `fast`, `single`, `part-1`, …
  public var phase: String?
  /// The whole schedule in the text form of formats/schedules.md; ``phase`` is one of its phases.
  public var sigmas: String?
  /// The sigma between the first phase and the next.
  public var boundary: Double?
  /// Steps of the teacher's grid.
  public var teacherSteps: Int?
  /// The schedule's zero-based indices in the teacher's grid, phase by phase.
  public var indices: [[Int]]?
  /// Width and height in pixels.
  public var imageSize: ImageSize?
  /// Packed image tokens.
  public var imageTokens: Int?
  /// The scheduler's dynamic shift at that size.
  public var mu: Double?
  /// The sigma that the scheduler stretches its last step to.
  public var shiftTerminal: Double?
  /// The classifier-free guidance scale that the adapter is meant for; 1 means none.
  public var cfg: Double?
  /// The guidance value that the model was given in training.
  public var guidance: Double?
  /// The alpha of training, before its scale was baked into B.
  public var alphaOriginal: Double?
  /// What training optimised: `flow-matching`, `interval`, `path`.
  public var objective: String?
  /// Whose arithmetic training followed: `none`, `reference`.
  public var compat: String?
  /// The named schedule that was asked for.
  public var preset: String?
  /// The named set of targets, or the list that was asked for.
  public var targets: String?
  /// Training steps.
  public var steps: Int?
  /// The seed of training.
  public var seed: UInt64?
  /// Everything that decided the adapter, as a JSON object: the trainer's options by their names.
  public var settings: String?
  /// SHA-256 of the base's weights, hexadecimal.
  public var baseSHA256: String?
  /// SHA-256 of the training sample, hexadecimal.
  public var sampleSHA256: String?
  /// The program that wrote the file, with its version.
  public var toolkit: String?
  /// The library and the kernels of its products, which decide the last bits; several where training
  /// went on elsewhere.
  public var arithmetic: String?

  /// A picture's size in pixels.
  public struct ImageSize: Sendable, Equatable {
    /// Pixels across.
    public var width: Int
    /// Pixels down.
    public var height: Int

    /// A size.
    public init(width: Int, height: Int) {
      self.width = width
      self.height = height
    }
  }

  /// Nothing known.
  public init() {}
}

extension GlanceMetadata {
  /// Reads the keys that are there; others are left alone.
  ///
  /// - Parameters:
  ///   - metadata: a file's metadata.
  ///   - file: where it was read, for errors.
  /// - Throws: ``AdapterError/badMetadata(file:key:expected:found:)``.
  public init(
    _ metadata: Metadata, file: FilePath
  ) throws {
    let fields = GlanceFields(metadata: metadata, file: file)
    family = fields.text("family")
    phase = try fields.phase("phase")
    sigmas = fields.text("sigmas")
    boundary = try fields.number("boundary")
    teacherSteps = try fields.count("teacher_steps")
    indices = try fields.indices("indices")
    imageSize = try fields.size("image_size")
    imageTokens = try fields.count("image_seq_len")
    mu = try fields.number("mu")
    shiftTerminal = try fields.number("shift_terminal")
    cfg = try fields.number("cfg")
    guidance = try fields.number("guidance")
    alphaOriginal = try fields.number("alpha_original")
    objective = fields.text("objective")
    compat = fields.text("compat")
    preset = fields.text("preset")
    targets = fields.text("targets")
    steps = try fields.count("steps")
    seed = try fields.seed("seed")
    settings = fields.text("settings")
    baseSHA256 = try fields.digest("base_sha256")
    sampleSHA256 = try fields.digest("sample_sha256")
    toolkit = fields.text("toolkit")
    arithmetic = fields.text("arithmetic")
  }

  /// Keys and values of everything that is known, in the order of formats/glance-metadata.md.
  public var pairs: Metadata {
    let fields: [(String, String?)] = [
      ("family", family),
      ("phase", phase),
      ("sigmas", sigmas),
      ("boundary", boundary.map { "\($0)" }),
      ("teacher_steps", teacherSteps.map { "\($0)" }),
      (
        "indices",
        indices.map { phases in
          phases.map { $0.map { "\($0)" }.joined(separator: ",") }.joined(separator: "|")
        }
      ),
      ("image_size", imageSize.map { "\($0.width)x\($0.height)" }),
      ("image_seq_len", imageTokens.map { "\($0)" }),
      ("mu", mu.map { "\($0)" }),
      ("shift_terminal", shiftTerminal.map { "\($0)" }),
      ("cfg", cfg.map { "\($0)" }),
      ("guidance", guidance.map { "\($0)" }),
      ("alpha_original", alphaOriginal.map { "\($0)" }),
      ("objective", objective),
      ("compat", compat),
      ("preset", preset),
      ("targets", targets),
      ("steps", steps.map { "\($0)" }),
      ("seed", seed.map { "\($0)" }),
      ("settings", settings),
      ("base_sha256", baseSHA256),
      ("sample_sha256", sampleSHA256),
      ("toolkit", toolkit),
      ("arithmetic", arithmetic),
    ]
    return Metadata(fields, prefix: GlanceFields.prefix)
  }
}
