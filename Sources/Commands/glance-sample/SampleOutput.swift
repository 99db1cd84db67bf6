internal import Compute
internal import Containers
internal import Drawing
internal import Elements
internal import Files
internal import JSON
internal import Pictures
internal import SystemPackage
internal import Tensors

/// The files that a run writes.
struct SampleOutput {
  let path: FilePath
  let count: Int
  let overwrite: Bool

  /// The file of a picture: the path itself, or with its number, `cat-003.png`, when there are
  /// several.
  func file(_ index: Int) -> FilePath {
    guard count > 1 else { return path }
    let digits = max(3, String(count).count)
    let number = String(index + 1)
    let padded = String(repeating: "0", count: digits - number.count) + number
    return path.removingLastComponent()
      .appending("\(path.stem ?? "")-\(padded).\(path.extension ?? "png")")
  }

  /// The files of all pictures.
  var all: [FilePath] { (0..<count).map(file) }

  /// Refuses outputs that exist or whose folder doesn't, before anything is drawn.
  func check(also latents: FilePath?) throws {
    for file in all { try AtomicFile.check(file, overwrite: overwrite) }
    if let latents { try AtomicFile.check(latents, overwrite: overwrite) }
  }

  /// Writes a picture with its settings inside.
  func write(_ drawn: DrawnPicture, settings: JSONValue) throws {
    let bytes = try drawn.picture.png(texts: [
      PictureText(key: "Software", text: "glance-sample"),
      PictureText(key: "glance", text: settings.text()),
    ])
    try writeAtomically(unsafe bytes.span.bytes, to: file(drawn.index), overwrite: overwrite)
  }

  /// Writes the latents of all pictures, `latents` `[pictures, channels, height, width]`, with what
  /// they are and what they were made with: formats/sampling.md.
  func write(_ latents: [Tensor], settings: JSONValue, to file: FilePath) throws {
    guard let first = latents.first else { return }
    let sink = try TensorSink(
      creating: file,
      tensors: [
        TensorDescription(name: "latents", dtype: .f32, shape: [latents.count] + first.shape)
      ],
      metadata: [
        (SavedLatents.key, SavedLatents.finished), (SavedLatents.settingsKey, settings.text()),
      ], overwrite: overwrite)
    for (index, latent) in latents.enumerated() {
      try sink.write(unsafe latent.floats.span.bytes, 0, index * 4 * latent.count)
    }
    try sink.commit()
  }
}
