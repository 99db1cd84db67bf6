internal import Adapters
internal import Compute
public import Failures
internal import Files
internal import JSON
internal import Pictures
internal import Pipelines
public import SystemPackage

/// What a picture says it was drawn with: the settings that its PNG holds, formats/sampling.md.
public struct DrawnSettings: Sendable {
  /// The picture.
  public let picture: FilePath
  /// What was drawn.
  public let prompt: String
  /// The negative prompt; nil where there was none.
  public let negative: String?
  /// What its noise was made from; nil where noise was given.
  public let seed: UInt64?
  /// Its size.
  public let size: PictureSizeRequest
  /// Classifier-free guidance scale.
  public let cfg: Double
  /// Guidance value; nil for models that take none.
  public let guidance: Double?
  /// Its sigmas, and what was asked for.
  public let schedule: DrawnSchedule
  /// The adapters.
  public let adapters: [DrawingRequest.AdapterRequest]
  /// The checkpoints that took the place of the model's transformer, but for those of the model itself.
  public let transformers: [DrawingRequest.TransformerRequest]
  /// The picture that it was started from.
  public let image: DrawingRequest.StartingPicture?
  /// A sampler whose mistakes are reproduced.
  public let compatibility: DrawingRequest.Compatibility?
  /// The alpha that was taken where an adapter said none.
  public let assumedAlpha: Double?
  /// Length that captions were padded to or cut at, where that was asked for.
  public let textTokens: Int?
  /// What a person should know before it is drawn again.
  public let notes: [String]

  /// What of the settings is needed: what nobody names otherwise.
  public struct Wanted: Sendable {
    let adapters: Bool
    let transformers: Bool
    let image: Bool
    /// Whether its noise is made anew, from a seed.
    let seed: Bool

    /// Which are looked for, and whether a seed is needed.
    public init(adapters: Bool, transformers: Bool, image: Bool, seed: Bool) {
      self.adapters = adapters
      self.transformers = transformers
      self.image = image
      self.seed = seed
    }
  }

  /// Why a picture can't be drawn again.
  public struct Failure: ClassifiedError, CustomStringConvertible {
    /// One line: the picture, what was expected of it, what was found.
    public let description: String
    /// Wrong data, or a file that is not there.
    public let failureKind: FailureKind
  }

  /// Reads them from a PNG that glance-sample wrote.
  ///
  /// - Parameters:
  ///   - picture: the file.
  ///   - model: the model that draws; transformers that are part of it are found there.
  ///   - wanted: what of them is needed.
  /// - Throws: ``Failure`` when the file holds no such settings, or a file that it was drawn with is not found.
  public init(reading picture: FilePath, model: FilePath, wanted: Wanted) throws {
    let text = try PictureFile(opening: picture).texts.first { $0.key == "glance" }?.text
    guard let text, let json = try? JSONValue(parsing: text), let object = json.object else {
      throw Self.fault(picture, "a PNG that glance-sample wrote, with its settings", "none in it")
    }
    guard object["format"] != .string(DrawingGrid.format) else {
      throw Self.fault(
        picture, "a PNG that glance-sample wrote, with its settings",
        "a grid of several pictures; name one of these")
    }
    let reader = Reader(picture: picture, settings: object, model: model)
    self.picture = picture
    prompt = try reader.string("prompt")
    guard !prompt.isEmpty else {
      throw Self.fault(
        picture, "a prompt among its settings",
        "none: it was drawn from an empty one, or from given states")
    }
    negative = object["negative"]?.string
    seed = object["seed"]?.string.flatMap { UInt64($0) }
    guard seed != nil || !wanted.seed else {
      throw Self.fault(
        picture, "a seed among its settings",
        "none: it was drawn from given noise; name that with --latents")
    }
    guard let size = PipelineSize(try reader.string("size")) else {
      throw Self.fault(
        picture, "'size' as WIDTHxHEIGHT in multiples of 16", "'\(try reader.string("size"))'")
    }
    self.size = .pixels(width: size.width, height: size.height)
    cfg = try reader.number("cfg", in: 0x1p-20...1000)
    guidance = object["guidance"]?.double == nil ? nil : try reader.number("guidance", in: 0...1000)
    schedule = DrawnSchedule(
      size: self.size, sigmas: try reader.string("schedule"),
      recipe: object["asked_schedule"]?.string)
    let compat = object["compat"]?.string ?? "none"
    compatibility = DrawingRequest.Compatibility(rawValue: compat)
    guard compat == "none" || compatibility != nil else {
      throw Self.fault(picture, "a known sampler under 'compat'", "'\(compat)'")
    }
    assumedAlpha =
      object["assumed_alpha"] == nil
      ? nil : try reader.number("assumed_alpha", in: 0x1p-100...0x1p100)
    textTokens = object["text_tokens"]?.integer
    let adapters = wanted.adapters ? try reader.adapters() : []
    self.adapters = adapters.map(\.request)
    transformers = wanted.transformers ? try reader.transformers() : []
    image = try reader.image(isWanted: wanted.image)
    notes = try reader.notes + adapters.compactMap { try $0.note(about: picture) }
  }

  fileprivate static func fault(
    _ picture: FilePath, _ expected: String, _ found: String, _ kind: FailureKind = .wrongData
  ) -> Failure {
    Failure(description: "\(picture): expected \(expected), found \(found)", failureKind: kind)
  }
}

/// Sigmas that a picture of a size was drawn with; another size has others.
public struct DrawnSchedule: Sendable, Equatable {
  let size: PictureSizeRequest
  /// Rule and sigmas, as `--schedule` takes them.
  let sigmas: String
  /// What was asked for, such as a preset; nil where adapters or the model said it.
  let recipe: String?

  /// What to ask for at a size; nil for what adapters or the model say.
  func text(for size: ChosenSize) -> String? {
    self.size == .pixels(width: size.width, height: size.height) ? sigmas : recipe
  }
}

/// An adapter that a picture was drawn with.
private struct DrawnAdapter {
  let request: DrawingRequest.AdapterRequest
  /// SHA-256 of its file then; nil where the picture doesn't say.
  let digest: String?

  /// Says when the file isn't what it was.
  func note(about picture: FilePath) throws -> String? {
    guard let digest, try digest != adapterDigest(of: AdapterInput(opening: request.file)) else {
      return nil
    }
    return "\(picture): \(request.file) is not what it was drawn with: another picture comes out"
  }
}

/// Reads one picture's settings.
private struct Reader {
  let picture: FilePath
  let settings: JSONObject
  let model: FilePath

  func fault(_ expected: String, _ found: String) -> DrawnSettings.Failure {
    DrawnSettings.fault(picture, expected, found)
  }

  func string(_ key: String) throws -> String {
    guard let value = settings[key]?.string else {
      throw fault("'\(key)' among its settings", settings[key]?.text() ?? "nothing")
    }
    return value
  }

  func number(_ key: String, in range: ClosedRange<Double>) throws -> Double {
    guard let value = settings[key]?.double, range.contains(value) else {
      throw fault(
        "'\(key)' from \(range.lowerBound) to \(range.upperBound)",
        settings[key]?.text() ?? "nothing")
    }
    return value
  }

  func adapters() throws -> [DrawnAdapter] {
    try (settings["adapters"]?.array ?? []).map { entry in
      guard let name = entry["file"]?.string, let strength = entry["strength"]?.double,
        strength.isFinite
      else { throw fault("'file' and 'strength' of every adapter", entry.text()) }
      var request = DrawingRequest.AdapterRequest(
        file: try file(named: name, option: "--adapter"), strength: strength,
        phase: entry["phase"]?.string)
      request.blocks = try BlockStrengths(
        (entry["blocks"]?.object?.members ?? []).map { member in
          guard let strength = member.value.double, strength.isFinite else {
            throw fault("a number for '\(member.key)'", member.value.text())
          }
          return (member.key, strength)
        })
      request.isPhaseRecorded = true
      return DrawnAdapter(request: request, digest: entry["sha256"]?.string)
    }
  }

  func transformers() throws -> [DrawingRequest.TransformerRequest] {
    try (settings["transformers"]?.array ?? []).compactMap { entry in
      guard let name = entry["file"]?.string else { return nil }
      // One of a folder that holds a pipeline for each phase.
      let own = model.pushing(try relative(name))
      if own.isFolder || own.isRegularFile { return nil }
      return .init(
        file: try file(named: name, option: "--transformer"), phase: entry["phase"]?.string)
    }
  }

  func image(isWanted: Bool) throws -> DrawingRequest.StartingPicture? {
    guard let image = settings["image"]?.object else { return nil }
    guard let name = image["file"]?.string, let strength = image["strength"]?.double,
      strength > 0, strength <= 1
    else { throw fault("'file' and 'strength' of 'image'", settings["image"]?.text() ?? "") }
    return .init(file: isWanted ? try file(named: name, option: "--image") : "", strength: strength)
  }

  /// A file that settings name, which say the last part of its path only: beside the picture, else here, else one
  /// folder up from the picture, where the experts of a training's pictures are.
  private func file(named name: String, option: String) throws -> FilePath {
    let path = try relative(name)
    let folder = picture.removingLastComponent()
    let places = [folder.pushing(path), path, folder.appending("..").pushing(path)]
    guard let found = places.first(where: { $0.isRegularFile || $0.isFolder }) else {
      throw DrawnSettings.fault(
        picture, "'\(name)', which it was drawn with, beside it, here or one folder up",
        "none; name it with \(option)", .inputMissing)
    }
    return found
  }

  private func relative(_ name: String) throws -> FilePath {
    let path = FilePath(name)
    guard !path.isEmpty, path.isRelative, path.components.allSatisfy({ $0.kind == .regular }) else {
      throw fault("the names of files among its settings", "'\(name)'")
    }
    return path
  }

  var notes: [String] {
    var notes: [String] = []
    if let own = settings["model"]?.string, own != model.lastComponent?.string {
      notes.append("\(picture): drawn by '\(own)', and this is \(model): another picture comes out")
    }
    if let version = settings["version"]?.string, version != toolkitVersion {
      notes.append("\(picture): drawn by version \(version), and this is \(toolkitVersion)")
    }
    if let arithmetic = settings["arithmetic"]?.string, arithmetic != Arithmetic.name {
      notes.append(
        "\(picture): drawn with \(arithmetic), and here is \(Arithmetic.name): the last bits may differ"
      )
    }
    return notes
  }
}
