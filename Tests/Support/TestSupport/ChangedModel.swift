internal import Files
internal import Safetensors
public import SystemPackage
public import Tensors

extension TemporaryFolder {
  /// A folder of this folder that is a shipped model with a text in some files changed; everything
  /// else is linked.
  ///
  /// - Parameters:
  ///   - name: the new folder.
  ///   - model: the shipped model.
  ///   - files: the files to change, such as `vae/config.json`.
  ///   - change: from old text, which must occur in each, to new.
  /// - Returns: the new folder's path.
  /// - Throws: when a file can't be made, or doesn't hold the old text.
  public func changedModel(
    _ name: String, of model: String, files: [FilePath], _ change: (from: String, to: String)
  ) throws -> FilePath {
    try makeFolder(name)
    try fill("", of: name, from: Fixtures.model(model), files, change)
    return path.appending(name)
  }

  /// The same, with other tensors of its transformer.
  ///
  /// - Parameters:
  ///   - name: the new folder.
  ///   - model: the shipped model.
  ///   - change: from old text of the transformer's config.json to new.
  ///   - tensors: gives the new tensors for the old ones.
  /// - Returns: the new folder's path.
  /// - Throws: when a file can't be made, or doesn't hold the old text.
  public func changedTransformer(
    _ name: String, of model: String, _ change: (from: String, to: String) = ("{", "{"),
    _ tensors: ([TensorView]) -> [TensorView]
  ) throws -> FilePath {
    let changed = try changedModel(
      name, of: model, files: ["transformer/config.json"], change)
    let own = Fixtures.model(model).appending("transformer")
    try writeSafetensors(
      tensors(TensorSource(opening: own).tensors),
      to: changed.appending("transformer").appending("diffusion_pytorch_model.safetensors"),
      overwrite: true)
    return changed
  }

  private func fill(
    _ inner: FilePath, of name: String, from source: FilePath, _ files: [FilePath],
    _ change: (from: String, to: String)
  ) throws {
    for entry in TemporaryFolder.names(in: source.pushing(inner)) {
      let place = inner.appending(entry)
      let (here, there) = ("\(name)/\(place)", source.pushing(place))
      if files.contains(place) {
        let parts = try Fixtures.text(there)
          .split(separator: change.from, omittingEmptySubsequences: false)
        guard parts.count > 1 else { throw Errno.noSuchFileOrDirectory }
        try write(Array(parts.joined(separator: change.to).utf8), to: here)
      } else if files.contains(where: { $0.starts(with: place) }) {
        try makeFolder(here)
        try fill(place, of: name, from: source, files, change)
      } else {
        try link(here, to: there.string)
      }
    }
  }
}
