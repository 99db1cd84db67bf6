internal import Adapters
internal import Autoencoders
internal import Compute
internal import DiffusionTransformers
internal import Failures
public import JSON
internal import Schedules
public import SystemPackage

/// What a run tells programs, and stores in what it writes: version 1 of `glance-sample`'s record,
/// formats/sampling.md.
public struct DrawingRecord: Sendable {
  /// A picture that was drawn.
  public struct Entry: Sendable {
    /// Where it was written.
    public let file: FilePath
    /// The prompt; empty where states were given instead.
    public let prompt: String
    /// What its noise was made from; nil where noise was given.
    public let seed: UInt64?
    /// Seconds of its walk.
    public let seconds: Double
  }

  /// The run.
  public let plan: DrawingPlan
  /// The pictures so far, in the order in which they were drawn.
  public private(set) var pictures: [Entry] = []

  /// A record without pictures.
  public init(_ plan: DrawingPlan) { self.plan = plan }

  /// Takes a picture that is written to a file; answers the settings to store in it.
  public mutating func add(_ drawn: DrawnPicture, file: FilePath) -> JSONValue {
    pictures.append(
      Entry(
        file: file, prompt: drawn.prompt, seed: drawn.seed, seconds: drawn.duration / .seconds(1)))
    return plan.settings(ofPicture: drawn.index)
  }

  /// What latents that are written are stored with: what the pictures have in common, and prompt and
  /// seed of each.
  public var settingsOfLatents: JSONValue {
    var settings = plan.settings
    settings["pictures"] = .array(
      pictures.map { ["prompt": .string($0.prompt), "seed": Self.seed($0.seed)] })
    return .object(settings)
  }

  /// What was drawn.
  public var json: JSONValue {
    plan.json(
      pictures: pictures.map {
        [
          "file": .string($0.file.string), "prompt": .string($0.prompt),
          "seed": Self.seed($0.seed), "seconds": .number($0.seconds),
        ]
      })
  }

  fileprivate static func seed(_ seed: UInt64?) -> JSONValue {
    seed.map { .string("\($0)") } ?? .null
  }
}

extension DrawingPlan {
  /// What a run would write: its record without times, and the memory that it takes.
  ///
  /// - Parameter files: where each picture would go.
  /// - Returns: the object.
  /// - Throws: when the transformer can't tell its memory.
  public func json(dryRunTo files: [FilePath]) throws -> JSONValue {
    let pictures = files.enumerated().map { index, file -> JSONValue in
      [
        "file": .string(file.string), "prompt": .string(prompt(ofPicture: index)),
        "seed": DrawingRecord.seed(seed(ofPicture: index)),
      ]
    }
    let (pass, decoding) = (try pass(), try decoding())
    let texts = try keptTexts()
    return json(
      pictures: pictures,
      [
        "dry_run": true,
        "kept_texts": texts.map {
          ["kept": .integer(Int64($0.kept)), "all": .integer(Int64($0.all))]
        } ?? .null,
        "memory": .integer(Int64(peakByteCount(with: pass, decoding))),
        "pass_flop": .number(pass.work.operations), "pass_seconds": .number(pass.seconds()),
        "decoding_flop": .number(decoding.work.operations),
        "decoding_seconds": .number(decoding.seconds()),
      ])
  }

  fileprivate func json(pictures: [JSONValue], _ more: JSONObject = [:]) -> JSONValue {
    var object = settings
    object["format"] = "glance-sample/1"
    object["pictures"] = .array(pictures)
    for member in more.members { object[member.key] = member.value }
    return .object(object)
  }

  /// What a picture is stored with.
  public func settings(ofPicture index: Int) -> JSONValue {
    var settings = settings
    settings["prompt"] = .string(prompt(ofPicture: index))
    settings["seed"] = DrawingRecord.seed(seed(ofPicture: index))
    return .object(settings)
  }

  /// What all pictures have in common. Nothing of the machine but what decides the last bits, so that
  /// equal runs give equal files.
  public var settings: JSONObject {
    var object: JSONObject = [
      "version": .string(toolkitVersion), "arithmetic": .string(Arithmetic.name),
      "model": .string(request.model.lastComponent?.string ?? request.model.string),
      "transformer": wholeTransformer.map { .string($0) } ?? .null,
      "transformers": .array(transformers.map(settings)),
      "adapters": .array(
        adapters.map {
          var adapter: JSONObject = [
            "file": .string($0.file.lastComponent?.string ?? ""), "sha256": .string($0.digest),
            "strength": .number($0.strength),
            "phase": $0.phase.map { .string($0.name) } ?? .null,
          ]
          if !$0.blocks.isEmpty { adapter["blocks"] = $0.blocks.json }
          return .object(adapter)
        }),
      "schedule": .string(wholeSchedule.text),
      "compat": .string(request.compatibility?.rawValue ?? "none"),
      "cfg": .number(cfg),
      "negative": cfg == 1 || request.embeddings != nil ? .null : .string(negative),
      "guidance": guidance.map { .number($0) } ?? .null,
      "size": .string("\(size.width)x\(size.height)"),
      "steps": .integer(Int64(walk.steps.count)),
      "passes": .integer(Int64(passesPerPicture)),
    ]
    object["asked_schedule"] = (request.schedule ?? request.redrawn?.recipe).map { .string($0) }
    object["text_tokens"] = request.textTokens.map { .integer(Int64($0)) }
    object["image"] = request.image.map {
      ["file": .string($0.file.lastComponent?.string ?? ""), "strength": .number($0.strength)]
    }
    object["assumed_alpha"] = request.assumedAlpha.map { .number($0) }
    return object
  }

  /// The checkpoint that takes all steps instead of the model's own transformer.
  private var wholeTransformer: String? {
    transformers.first { $0.phase == nil }?.file?.lastComponent?.string
  }

  private func settings(_ applied: AppliedTransformer) -> JSONValue {
    [
      "file": applied.file == nil ? .null : .string(applied.name),
      "phase": applied.phase.map { .string($0.name) } ?? .null,
      "baked_phase": applied.bakedPhase.map { .string($0) } ?? .null,
      "steps": .integer(
        Int64(walk.steps.count { applied.phase == nil || $0.phase == applied.phase })),
    ]
  }
}
