internal import Files
internal import JSON
internal import SystemPackage
internal import Text

extension FoundPrompt {
  /// An object a line, as GenEval and LongText-Bench have it.
  ///
  /// **Source:** djghosh13/geneval, `generation/diffusers_generate.py`, `main`; X-Omni-Team/X-Omni,
  /// `textbench/evaluate_text_reward.py`, `main`: `json.loads` of every line.
  static func jsonLines(_ path: FilePath, text key: String, id idKey: String?) throws -> [Self] {
    let file = try TextFile(path)
    return try file.objects().map { line, record, object in
      guard let text = object[key]?.string else {
        throw file.wrong(
          line, expected: "a text '\(key)'",
          found: object[key] == nil ? "no '\(key)'" : "another value")
      }
      let id = try idKey.map { idKey in
        guard let number = object[idKey]?.integer, number >= 0 else {
          throw file.wrong(
            line, expected: "a whole number '\(idKey)'",
            found: object[idKey] == nil ? "no '\(idKey)'" : "another value")
        }
        return "\(number)"
      }
      return FoundPrompt(text: text, group: nil, id: id, record: record, line: line)
    }
  }

  /// A list of texts in a file for each group, as HPSv2 has it: all files of a folder, or one of them.
  ///
  /// **Source:** tgxs002/HPSv2, `hpsv2/__init__.py`, `benchmark_prompts`.
  static func jsonLists(
    _ path: FilePath, groups: [(file: String, folder: String)]
  ) throws -> [Self] {
    guard path.isFolder else {
      guard let group = groups.first(where: { path.lastComponent?.string == "\($0.file).json" })
      else {
        throw BenchmarkError.wrong(
          file: path,
          expected: "a file named " + groups.map { $0.file + ".json" }.joined(separator: ", ")
            + ", or the folder with them", found: "another name")
      }
      return try list(path, folder: group.folder)
    }
    return try groups.flatMap { group in
      try list(path.appending("\(group.file).json"), folder: group.folder)
    }
  }

  private static func list(_ path: FilePath, folder: String) throws -> [Self] {
    let file = try TextFile(path)
    guard let list = try file.document().array else {
      throw file.wrong(expected: "a JSON list of texts", found: "another value")
    }
    return try list.enumerated().map { index, value in
      guard let text = value.string else {
        throw file.wrong(
          expected: "a JSON list of texts", found: "another value as element \(index)")
      }
      return FoundPrompt(text: text, group: folder, id: nil, record: text, line: nil)
    }
  }

  /// The first caption of every picture, in the order of the captions.
  ///
  /// **Source:** cocodataset.org, "Data format": `annotations` with `image_id` and `caption`, `images`
  /// with `id` and `file_name`.
  static func cocoCaptions(_ path: FilePath) throws -> [Self] {
    let file = try TextFile(path)
    let document = try file.document()
    guard let images = document["images"]?.array, let captions = document["annotations"]?.array
    else {
      throw file.wrong(
        expected: "the lists 'images' and 'annotations'", found: "a document without them")
    }
    var names: [Int: String] = [:]
    for (index, image) in images.enumerated() {
      guard let id = image["id"]?.integer, let name = image["file_name"]?.string,
        let stem = FilePath.Component(name)?.stem
      else {
        throw file.wrong(
          expected: "'id' and 'file_name' in every image", found: "images[\(index)] without them")
      }
      names[id] = stem
    }
    var found: [FoundPrompt] = []
    var seen: Set<Int> = []
    for (index, caption) in captions.enumerated() {
      guard let id = caption["image_id"]?.integer, let text = caption["caption"]?.string,
        let name = names[id]
      else {
        throw file.wrong(
          expected: "'caption' and the 'image_id' of one of the images in every annotation",
          found: "annotations[\(index)] without them")
      }
      guard seen.insert(id).inserted else { continue }
      let trimmed = text.trimmed
      found.append(FoundPrompt(text: trimmed, group: nil, id: name, record: trimmed, line: nil))
    }
    return found
  }
}
