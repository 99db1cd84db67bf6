internal import Containers
internal import Files
internal import Safetensors
internal import SystemPackage
package import Tensors

extension TensorSource {
  /// The GGUF files of a folder as one checkpoint: the only one, the parts of a split one, or the two of a
  /// language model that looks at pictures.
  ///
  /// - Parameters:
  ///   - names: the files.
  ///   - folder: where they are.
  ///   - open: opens one.
  /// - Returns: the checkpoint.
  /// - Throws: what opening the only one throws, and
  ///   ``CheckpointError/severalGGUF(folder:files:)`` for files that aren't one checkpoint.
  static func ofGGUFFiles(
    _ names: [String], in folder: FilePath, opened open: (FilePath) throws -> TensorSource
  ) throws -> TensorSource {
    if names.count == 1 { return try open(folder.appending(names[0])) }
    var sources: [TensorSource] = []
    var titles: [String] = []
    for name in names.prefix(mostFiles) {
      let source = try? open(folder.appending(name))
      titles.append(name + (source.flatMap(GGUFModel.init(of:)).map { " (\($0.title))" } ?? ""))
      // Each part of a split one stands for all.
      if let source, !sources.contains(where: { $0.files == source.files }) {
        sources.append(source)
      }
    }
    titles += names.dropFirst(mostFiles)
    let isComplete = titles.count == names.count && sources.count > 0
    let covered = Set(sources.flatMap(\.files))
    if isComplete, names.allSatisfy({ covered.contains(folder.appending($0)) }) {
      if sources.count == 1 { return sources[0] }
      if sources.count == 2, let joined = try joined(sources, in: folder) { return joined }
    }
    throw CheckpointError.severalGGUF(folder: folder, files: titles)
  }

  /// Folders with more files are collections.
  private static let mostFiles = 32

  /// The language part and the vision part of one model; nil for any other two files.
  fileprivate static func joined(
    _ sources: [TensorSource], in folder: FilePath
  ) throws(TensorError) -> TensorSource? {
    let models = sources.map(GGUFModel.init(of:))
    guard let component = models[0]?.component, component == models[1]?.component,
      ComponentModel.named(component) != nil,
      let vision = models.firstIndex(where: { $0?.isVisionPart == true }),
      models[1 - vision]?.isVisionPart == false
    else { return nil }
    let (language, other) = (sources[1 - vision], sources[vision])
    let added = other.metadata.filter { language.metadata[$0.key] == nil }
    return try TensorSource(
      path: folder, container: .gguf, files: language.files + other.files,
      tensors: language.tensors + other.tensors, metadata: language.metadata + added,
      problems: language.problems + other.problems)
  }
}

extension OpenedCheckpoint {
  /// The language part and the vision part of one model, of which each was opened by itself; nil for any other two.
  ///
  /// - Throws: when two tensors have one name.
  package init?(joining parts: [OpenedCheckpoint]) throws(TensorError) {
    guard parts.count == 2, let first = parts.first,
      let joined = try TensorSource.joined(
        parts.map(\.source), in: first.path.removingLastComponent())
    else { return nil }
    self.init(path: joined.path, source: joined, configuration: first.configuration)
  }
}
