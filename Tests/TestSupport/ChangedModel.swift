public import SystemPackage

extension TemporaryFolder {
  /// A folder of this folder that is a shipped model with one text file changed; everything else is
  /// linked.
  ///
  /// - Parameters:
  ///   - name: the new folder.
  ///   - model: the shipped model.
  ///   - file: the file to change, such as `vae/config.json`.
  ///   - change: from old text to new; the old text must occur.
  /// - Returns: the new folder's path.
  /// - Throws: when a file can't be made, or doesn't hold the old text.
  public func changedModel(
    _ name: String, of model: String, file: FilePath, _ change: (from: String, to: String)
  ) throws -> FilePath {
    let source = Fixtures.model(model)
    var here = try makeFolder(name)
    var there = source
    for component in file.components {
      for entry in TemporaryFolder.names(in: there) where entry != component.string {
        try link(
          here.appending(entry).string.droppingPrefix(path.string + "/"),
          to: there.appending(entry).string)
      }
      here.append(component)
      there.append(component)
      if component != file.components.last {
        try makeFolder(here.string.droppingPrefix(path.string + "/"))
      }
    }
    let text = try Fixtures.text(there)
    let parts = text.split(separator: change.from, omittingEmptySubsequences: false)
    guard parts.count > 1 else { throw Errno.noSuchFileOrDirectory }
    try write(
      Array(parts.joined(separator: change.to).utf8),
      to: here.string.droppingPrefix(path.string + "/"))
    return path.appending(name)
  }
}

extension String {
  fileprivate func droppingPrefix(_ prefix: String) -> String {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
  }
}
