internal import Files
internal import SystemPackage

/// Checkpoints one folder deeper than where one was looked for: what a merge for both phases wrote, a
/// pipeline without its index, a folder of models.
enum FoldersInside {
  /// More are not looked at.
  private static let limit = 64

  /// The pipelines in a folder.
  static func pipelines(_ folder: FilePath) -> [String] {
    names(folder) { PipelineFolder.isPipeline($0) }
  }

  /// The pipelines and components in a folder.
  static func checkpoints(_ folder: FilePath) -> [String] {
    names(folder) {
      PipelineFolder.isPipeline($0) || $0.appending("config.json").isRegularFile
    }
  }

  private static func names(_ folder: FilePath, _ isOne: (FilePath) -> Bool) -> [String] {
    (visibleEntries(ofFolder: folder) ?? []).prefix(limit).filter { isOne(folder.appending($0)) }
  }
}
