internal import Checkpoints
internal import Files
internal import JSON
package import SystemPackage

/// A diffusers pipeline with the files, names, shapes and dtypes of a published one, and made-up
/// values.
package struct PipelineSynthesis {
  /// A folder with weights.
  package typealias Part = (folder: String, component: ComponentSynthesis)

  /// The folders with weights.
  package let parts: [Part]
  private let published: PublishedPipeline

  /// A pipeline with these components, and the rest as published.
  package init(_ published: PublishedPipeline, parts: [Part]) {
    self.published = published
    self.parts = parts
  }

  /// Bytes of all tensors.
  package var byteCount: Int { parts.reduce(0) { $0 + $1.component.tensors.byteCount } }

  /// Writes the folder, complete or not at all.
  package func write(to output: FilePath, filling: TensorFilling, overwrite: Bool) throws {
    try checkRoom(beside: output, filling)
    let documents = published.documents.compactMap { FilePath($0.key).components.first?.string }
    let components = parts.map(\.folder) + documents + published.tokenizers.map(\.folder)
    let folder = try AtomicFolder(
      creating: output, kind: .pipeline(components: components), overwrite: overwrite)
    let path = folder.workingPath
    for (name, component) in parts {
      try makeFolder(path.appending(name))
      try component.write(into: path.appending(name), filling: filling)
    }
    for document in published.documents {
      let file = path.appending(document.key)
      try makeFolder(file.removingLastComponent())
      try writeDocument(document.value, to: file)
    }
    for tokenizer in published.tokenizers { try write(tokenizer, into: path) }
    try folder.commit()
  }

  /// Refuses before anything is written what would fill the disk: shards are reserved one by one.
  private func checkRoom(beside output: FilePath, _ filling: TensorFilling) throws {
    guard !filling.isSparse else { return }
    let parent = output.removingLastComponent()
    guard try hasRoom(for: byteCount, in: parent.isEmpty ? "." : parent) else {
      throw FileError.writeFailed(file: output, reason: .noSpace)
    }
  }

  private func write(
    _ tokenizer: PublishedPipeline.Tokenizer, into pipeline: FilePath
  ) throws {
    let source = Checkout.folder.appending("Tests/Fixtures/tokenizers")
      .appending(tokenizer.vocabulary)
    let folder = pipeline.appending(tokenizer.folder)
    let name = "tokenizer_config.json"
    let known = try Configuration(reading: source.appending(name)).json
    try makeFolder(folder)
    try FolderCopy.copy(source, to: folder, except: [name], links: false)
    var configuration = known.object ?? JSONObject()
    configuration["model_max_length"] = .integer(Int64(tokenizer.maximumLength))
    try writeDocument(.object(configuration), to: folder.appending(name))
  }
}
