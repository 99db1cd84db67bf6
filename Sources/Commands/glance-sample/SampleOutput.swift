internal import ArgumentParser
internal import CommandSupport
internal import Compute
internal import Drawing
internal import Files
internal import JSON
internal import Pictures
internal import SystemPackage

/// Where a run's pictures go.
struct SampleOutput {
  /// What `--output` names.
  private enum Place {
    /// One file, or several with numbers in the name.
    case file(FilePath)
    /// A folder, in which pictures are numbered from this on.
    case folder(FilePath, first: Int)
    /// The one picture is written to standard output.
    case standardOutput
  }

  private let place: Place
  /// What the noise of each picture was made from.
  private let seeds: [UInt64?]
  private let overwrite: Bool

  /// The places of pictures.
  ///
  /// - Parameters:
  ///   - path: `FILE.png`, `-` for standard output, or a folder.
  ///   - seeds: of the pictures; nil for one whose noise was given.
  ///   - overwrite: whether a file may be replaced; those in a folder never are.
  /// - Throws: for a name of another kind of file, and for several pictures to standard output.
  init(_ path: FilePath, seeds: [UInt64?], overwrite: Bool) throws {
    self.seeds = seeds
    self.overwrite = overwrite
    if path == "-" {
      guard seeds.count == 1 else {
        throw ValidationError(
          "--output: standard output takes one picture, and \(seeds.count) are drawn; name a folder"
        )
      }
      place = .standardOutput
    } else if path.extension?.lowercased() == "png", !path.isFolder {
      place = .file(path)
    } else {
      let isOtherFile = OutputName.isFile(path) || OutputName.refusal(of: path) != nil
      guard path.isFolder || !isOtherFile, path.extension?.lowercased() != "gguf" else {
        throw ValidationError(
          "--output: expected a name that ends in .png, a folder or -, found '\(path)'")
      }
      place = .folder(path, first: Self.firstFreeNumber(in: path))
    }
  }

  /// The number behind the largest one of a folder's pictures: `0003-7.png`, `0003.png`.
  private static func firstFreeNumber(in folder: FilePath) -> Int {
    let used = (folderNames(folder) ?? []).compactMap { name -> Int? in
      guard name.hasSuffix(".png") else { return nil }
      let digits = name.prefix { $0.isASCII && $0.isNumber }
      let isOwn =
        (4...7).contains(digits.count) && [".", "-"].contains(name.dropFirst(digits.count).first)
      return isOwn ? Int(digits) : nil
    }
    return (used.max() ?? 0) + 1
  }

  /// Pictures that are written.
  var count: Int { seeds.count }

  /// Whether standard output takes the picture, so that nothing else may be said there.
  var isStandardOutput: Bool { if case .standardOutput = place { true } else { false } }

  /// The file of a picture: the path itself, or with its number, `cat-003.png`, when there are
  /// several; in a folder its number and seed, `0003-7.png`.
  func file(_ index: Int) -> FilePath {
    switch place {
    case .standardOutput: return "-"
    case .file(let path):
      guard count > 1 else { return path }
      let number = Self.padded(index + 1, to: max(3, String(count).count))
      return path.removingLastComponent()
        .appending("\(path.stem ?? "")-\(number).\(path.extension ?? "png")")
    case .folder(let folder, let first):
      let seed = seeds[index].map { "-\($0)" } ?? ""
      return folder.appending("\(Self.padded(first + index, to: 4))\(seed).png")
    }
  }

  private static func padded(_ number: Int, to digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// The files of all pictures.
  var all: [FilePath] { (0..<count).map(file) }

  /// Refuses outputs that exist or whose folder doesn't, before anything is drawn.
  func check(also files: [FilePath]) throws {
    switch place {
    case .standardOutput, .folder: break
    case .file: for file in all { try AtomicFile.check(file, overwrite: overwrite) }
    }
    for file in files { try AtomicFile.check(file, overwrite: overwrite) }
  }

  /// Writes a picture with its settings inside.
  func write(_ picture: Picture, _ index: Int, settings: JSONValue) throws {
    let bytes = try picture.png(by: "glance-sample", settings: settings)
    switch place {
    case .standardOutput: try Terminal.output(bytes: bytes)
    case .file:
      try writeAtomically(unsafe bytes.span.bytes, to: file(index), overwrite: overwrite)
    case .folder(let folder, _):
      if !folder.isFolder { try makeFolder(folder) }
      try writeAtomically(unsafe bytes.span.bytes, to: file(index), overwrite: false)
    }
  }

  /// Writes all pictures as one.
  func write(_ grid: DrawingGrid) throws {
    if grid.reduction > 1 {
      Terminal.note(
        "\(grid.file): pictures are reduced to 1/\(grid.reduction) of their sides, so that programs open it"
      )
    }
    let bytes = try grid.png(
      by: "glance-sample", files: all.map { $0.lastComponent?.string ?? "" })
    try writeAtomically(unsafe bytes.span.bytes, to: grid.file, overwrite: overwrite)
  }

  /// Writes latents, `latents` `[pictures, channels, height, width]`, with what they are and what they
  /// were made with: formats/sampling.md.
  func write(
    latents count: Int, kind: String, settings: JSONValue, to file: FilePath,
    _ latent: (Int) throws -> Tensor
  ) throws {
    try SavedLatents.write(
      count: count, kind: kind, settings: settings, to: file, overwrite: overwrite, latent)
  }
}
