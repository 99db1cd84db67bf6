internal import Files
internal import SystemPackage
internal import Text

extension FoundPrompt {
  /// A row a prompt, as OneIG-Bench has it.
  ///
  /// **Source:** OneIG-Bench/OneIG-Benchmark, `text2image.py`: the columns `category`, `id` and
  /// `prompt_en` or `prompt_cn`.
  static func table(
    _ path: FilePath, text names: [String], id: String, group: String,
    groups: [(name: String, folder: String)]
  ) throws -> [Self] {
    let file = try TextFile(path)
    let table = try CommaSeparated(file)
    let columns = table.header
    guard let text = columns.firstIndex(where: { names.contains($0) }),
      let id = columns.firstIndex(of: id), let group = columns.firstIndex(of: group)
    else {
      throw file.wrong(
        1, expected: "the columns \(group), \(id) and \(names.joined(separator: " or "))",
        found: file.excerpt(columns.joined(separator: ",")))
    }
    return try table.rows.map { row in
      let category = row.cells[group]
      guard let folder = groups.first(where: { $0.name == category })?.folder else {
        throw file.wrong(
          row.line, expected: "a category (" + groups.map(\.name).joined(separator: ", ") + ")",
          found: "'\(category)'")
      }
      return FoundPrompt(
        text: row.cells[text], group: folder, id: row.cells[id], record: row.cells[text],
        line: row.line)
    }
  }

  /// A file a prompt, as DPG-Bench has it, by the files' names.
  ///
  /// **Source:** TencentQQGYLab/ELLA, `README.md`: a picture has the name of its prompt's file.
  static func textFolder(_ path: FilePath) throws -> [Self] {
    guard path.isFolder, let names = folderNames(path) else {
      throw BenchmarkError.wrong(
        file: path, expected: "a folder with a .txt file for every prompt",
        found: path.isThere ? "a file" : "nothing")
    }
    let files = names.map { path.appending($0) }.filter { $0.extension == "txt" }
    return try files.map { file in
      let text = try TextFile(file).text.trimmed
      guard !text.isEmpty else {
        throw BenchmarkError.wrong(file: file, expected: "a prompt", found: "an empty file")
      }
      return FoundPrompt(text: text, group: nil, id: file.stem, record: text, line: nil)
    }
  }
}
