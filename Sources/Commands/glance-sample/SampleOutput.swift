internal import Compute
internal import Drawing
internal import Files
internal import JSON
internal import Pictures
internal import SystemPackage

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
    let bytes = try drawn.picture.png(by: "glance-sample", settings: settings)
    try writeAtomically(unsafe bytes.span.bytes, to: file(drawn.index), overwrite: overwrite)
  }

  /// Writes the latents of all pictures, `latents` `[pictures, channels, height, width]`, with what
  /// they are and what they were made with: formats/sampling.md.
  func write(_ latents: [Tensor], settings: JSONValue, to file: FilePath) throws {
    try SavedLatents.write(latents, settings: settings, to: file, overwrite: overwrite)
  }
}
