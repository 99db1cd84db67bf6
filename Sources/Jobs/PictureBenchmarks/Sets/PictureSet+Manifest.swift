internal import Files
internal import JSON
internal import SystemPackage

extension PictureSet {
  /// The version of a manifest: formats/benchmarks.md.
  private static let format = "glance-picture-set/1"

  /// Refuses pictures that were drawn otherwise.
  ///
  /// - Parameter identity: what is to be drawn.
  /// - Throws: ``BenchmarkError`` that names the first difference.
  func check(_ identity: JSONObject) throws {
    guard let there = try readIdentity() else {
      if let file = allFiles.first(where: { folder.pushing($0.path).isTaken }) {
        throw BenchmarkError.unknownPicture(
          file: folder.pushing(file.path), manifest: manifestPath)
      }
      return
    }
    func refuse(_ key: String, _ left: JSONValue?, _ right: JSONValue?) throws {
      guard left != right else { return }
      throw BenchmarkError.otherSettings(
        manifest: manifestPath, key: key, there: left?.text() ?? "absent",
        asked: right?.text() ?? "absent")
    }
    for member in identity.members where member.key != "settings" {
      try refuse(member.key, there[member.key], member.value)
    }
    let (left, right) = (there["settings"]?.object, identity["settings"]?.object)
    for key in (right?.members ?? []).map(\.key) + (left?.members ?? []).map(\.key) {
      try refuse(key, left?[key], right?[key])
    }
  }

  /// Writes what the set is, and which pictures it has or is to have.
  func writeManifest(_ identity: JSONObject) throws {
    let wanted = Set(files.map(\.path))
    var object: JSONObject = [
      "format": .string(Self.format), "arm": .string(arm), "set": .object(identity),
    ]
    object["pictures"] = .array(
      allFiles.filter { wanted.contains($0.path) || folder.pushing($0.path).isTaken }.map { file in
        [
          "file": .string(file.path.string), "prompt": .string(file.prompt.text),
          "seeds": .array(file.seeds.map { .string("\($0)") }),
        ]
      })
    try write(Array((JSONValue.object(object).text(.pretty) + "\n").utf8), to: manifestPath)
  }

  /// Removes the pictures of the set, finished or not, and its manifest.
  func removePictures() {
    removeEntry(manifestPath)
    for file in allFiles {
      removeEntry(folder.pushing(file.path))
      removeParts(file)
    }
  }

  /// Removes the waiting pictures of a grid and their folder.
  func removeParts(_ file: File) {
    for index in file.seeds.indices { removeEntry(partPath(file, index)) }
    removeEntry(partPath(file, 0).removingLastComponent())
  }

  /// Writes a file with the folders above it; replaces one that is there.
  func write(_ bytes: [UInt8], to path: FilePath) throws {
    try makeFolder(path.removingLastComponent())
    try writeAtomically(unsafe bytes.span.bytes, to: path, overwrite: true)
  }

  private func readIdentity() throws -> JSONObject? {
    guard manifestPath.isTaken else { return nil }
    let file = try TextFile(manifestPath)
    guard let document = try? file.document(), document["format"] == .string(Self.format),
      let set = document["set"]?.object
    else {
      throw file.wrong(expected: "a manifest '\(Self.format)'", found: "another document")
    }
    return set
  }
}
