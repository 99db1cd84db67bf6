internal import Files
public import JSON
internal import Pictures
internal import SystemPackage

/// Draws a set of pictures into its layout; what is there already with the same settings is kept.
public struct PictureSetWriter {
  private typealias Place = (file: PictureSet.File, index: Int)

  /// The pictures.
  public let pictures: PictureSet
  private let identity: JSONObject
  private let overwrite: Bool

  /// Looks at what is there.
  ///
  /// - Parameters:
  ///   - pictures: the set.
  ///   - settings: what they are drawn with, as it goes into the manifest.
  ///   - overwrite: whether to draw anew what is there.
  /// - Throws: ``BenchmarkError`` when pictures of other settings are in the way.
  public init(_ pictures: PictureSet, settings: JSONObject, overwrite: Bool) throws {
    self.pictures = pictures
    self.overwrite = overwrite
    identity = pictures.identity(settings)
    if !overwrite { try pictures.check(identity) }
  }

  /// Pictures that are to be drawn, and in how many files they will be.
  public var missing: (pictures: [WantedPicture], fileCount: Int) {
    let places = missingPlaces
    return (places.map(wanted), Set(places.map(\.file.path)).count)
  }

  /// Draws what is missing.
  ///
  /// - Parameters:
  ///   - source: what draws.
  ///   - handle: called with the number of pictures drawn so far; may throw to stop.
  /// - Throws: what drawing, `handle` and files throw.
  public func write(from source: some PictureSource, _ handle: (Int) throws -> Void) throws {
    let places = missingPlaces
    // The manifest comes first: pictures without one could be anybody's.
    if overwrite { pictures.removePictures() }
    try pictures.writeManifest(identity)
    for companion in pictures.companions {
      try pictures.write(Array(companion.text.utf8), to: companion.path)
    }
    try source.draw(places.map(wanted)) { index, picture in
      try take(picture, for: places[index])
      try handle(index + 1)
    }
    // Grids whose last picture was waiting when a run ended.
    for file in pictures.files where isWaiting(file) { try join(file) }
  }

  private var missingPlaces: [Place] {
    pictures.files.flatMap { file -> [Place] in
      guard overwrite || !pictures.folder.pushing(file.path).isTaken else { return [] }
      return file.seeds.indices.map { (file, $0) }.filter { place in
        overwrite || file.seeds.count == 1 || !pictures.partPath(file, place.1).isTaken
      }
    }
  }

  private func wanted(_ place: Place) -> WantedPicture {
    WantedPicture(prompt: place.file.prompt.text, seed: place.file.seeds[place.index])
  }

  private func take(_ picture: Picture, for place: Place) throws {
    let file = place.file
    guard file.seeds.count > 1 else { return try write(picture, to: file) }
    try pictures.write(picture.png(), to: pictures.partPath(file, place.index))
    if isWaiting(file) { try join(file) }
  }

  /// Whether all pictures of a grid are there, and it isn't.
  private func isWaiting(_ file: PictureSet.File) -> Bool {
    file.seeds.count > 1 && !pictures.folder.pushing(file.path).isTaken
      && file.seeds.indices.allSatisfy { pictures.partPath(file, $0).isTaken }
  }

  private func join(_ file: PictureSet.File) throws {
    let parts = try file.seeds.indices.map { try Picture(reading: pictures.partPath(file, $0)) }
    try write(
      Picture(tiling: parts, columns: pictures.layout.gridColumns ?? parts.count), to: file)
    pictures.removeParts(file)
  }

  private func write(_ picture: Picture, to file: PictureSet.File) throws {
    let bytes = try file.path.extension == "jpg" ? picture.jpeg() : picture.png()
    try pictures.write(bytes, to: pictures.folder.pushing(file.path))
  }
}
