internal import Checkpoints
internal import Compute
internal import Containers
internal import Drawing
internal import Elements
internal import Files
internal import JSON
internal import Pictures
public import SystemPackage
internal import Tensors

/// Where the pictures of a run of an arm and latents lie.
///
/// `latents/RUN.safetensors` holds those of all pictures so far, prompt after prompt, with what
/// decided them; `pictures/RUN/p000-s0.png` are made from them.
public struct ArmStore: Sendable {
  /// The output folder.
  let folder: FilePath
  /// The run's file name.
  let name: String
  /// What decides its pictures.
  let identity: String
  private let seeds: Int

  /// The key of the metadata that holds what decided the pictures.
  static let identityKey = "glance.arm"
  /// The key of the seconds that each walk took.
  static let secondsKey = "glance.seconds"

  /// The store of a run in a folder.
  public init(_ run: Arm.Run, of plan: EvaluationPlan, in folder: FilePath) {
    self.folder = folder
    name = run.fileName
    identity = JSONValue.object([
      "settings": run.identity,
      "prompts": .array(plan.request.prompts.map { .string($0.text) }),
      "seed": .string("\(plan.request.seed)"), "seeds": .integer(Int64(plan.request.seeds)),
    ]).text()
    seeds = plan.request.seeds
  }

  /// Where the latents are.
  public var latentsFile: FilePath {
    folder.appending("latents").appending("\(name).safetensors")
  }

  /// Where a picture is, counted prompt after prompt.
  public func pictureFile(_ index: Int) -> FilePath {
    let (prompt, seed) = index.quotientAndRemainder(dividingBy: seeds)
    return folder.appending("pictures").appending(name)
      .appending(Self.pictureName(prompt: prompt, seed: seed))
  }

  /// The name of a picture's file: `p007-s1.png`.
  static func pictureName(prompt: Int, seed: Int) -> String {
    let digits = String(prompt)
    return "p" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits + "-s\(seed).png"
  }

  /// The latents and times of the pictures that an earlier run drew with the same settings.
  func earlier() throws -> (latents: [Tensor], seconds: [Double]) {
    guard latentsFile.isRegularFile, let source = try? TensorSource(openingAny: latentsFile),
      source.metadata[Self.identityKey] == identity,
      let seconds = try? JSONValue(parsing: source.metadata[Self.secondsKey] ?? "").array,
      let view = source.find("latents"), view.dtype == .f32, view.shape.count == 4,
      view.shape[0] == seconds.count
    else { return ([], []) }
    let shape = Array(view.shape.dropFirst())
    let size = shape.elementCount
    let floats = view.floats()
    let latents = (0..<view.shape[0]).map {
      Tensor(shape: shape, Array(floats[$0 * size..<($0 + 1) * size]))
    }
    return (latents, seconds.map { $0.double ?? 0 })
  }

  /// Writes the latents so far.
  func write(_ latents: [Tensor], seconds: [Double], settings: JSONValue) throws {
    try makeFolder(latentsFile.removingLastComponent())
    try SavedLatents.write(
      count: latents.count, settings: settings,
      [
        (Self.identityKey, identity),
        (Self.secondsKey, JSONValue.array(seconds.map { .number($0) }).text()),
      ], to: latentsFile, overwrite: true
    ) { latents[$0] }
  }

  /// Writes a picture with its settings inside.
  func write(_ picture: Picture, _ index: Int, settings: JSONValue) throws {
    let bytes = try picture.png(by: "glance-eval", settings: settings)
    let file = pictureFile(index)
    try makeFolder(file.removingLastComponent())
    try writeAtomically(unsafe bytes.span.bytes, to: file, overwrite: true)
  }

  /// The picture that is there, if it was drawn with these settings.
  func picture(_ index: Int, settings: JSONValue) -> Picture? {
    let file = pictureFile(index)
    guard file.isRegularFile, let opened = try? PictureFile(opening: file),
      opened.texts.contains(PictureText(key: "glance", text: settings.text()))
    else { return nil }
    return try? Picture(reading: file)
  }
}
