internal import Checkpoints
internal import Concurrency
internal import Files
internal import JSON
internal import Safetensors
public import SystemPackage
internal import Tensors

/// The checkpoints, adapters and pipelines of a folder that is none of them itself, one by one. Headers
/// and configurations are read; no tensor data.
public struct FolderListing: Sendable {
  /// The folder.
  public let folder: FilePath
  /// What is in it, in the order of the names' bytes, whatever the number of threads.
  public let entries: [Entry]
  /// How many files are something else than weights.
  public let otherFileCount: Int
  /// How many entries have names that are not UTF-8, and are left out.
  public let namelessCount: Int
  /// Folders that were not looked into, as paths from the folder.
  public let closedFolders: [FilePath]
  /// Every file with weights, as paths from the folder.
  let weightFiles: [FilePath]

  /// How things are looked at.
  public struct Options: Sendable {
    /// The alpha to take where an adapter says none; nil means alpha = rank.
    public var assumedAlpha: Double?
    /// Whether ``json(duplicates:)`` will be asked for, which takes as long again.
    public var forPrograms = false

    /// For people.
    public init() {}
  }

  /// Something in a folder.
  public struct Entry: Sendable {
    /// Its path from the folder; of several parts that of the first.
    public let path: FilePath
    /// What it is; nil for what can't be read.
    public let summary: InspectionSummary?
    /// Why it can't be read.
    public let failure: (any Error)?
    /// Everything that is wrong or worth knowing, errors first.
    public let findings: [Inspected.Finding]
    /// The object for programs, where it was asked for.
    let facts: JSONObject?
  }

  /// Looks at everything in a folder.
  ///
  /// - Parameters:
  ///   - folder: where.
  ///   - recursive: whether folders in it are looked into that are no pipeline or component.
  ///   - options: how.
  /// - Throws: `FileError` when the folder can't be listed.
  public init(of folder: FilePath, recursive: Bool, _ options: Options = Options()) throws {
    self.init(try FolderContents(of: folder, recursive: recursive), of: folder, options)
  }

  /// Looks at everything in a folder that holds several things, or none by itself; nil for a folder that
  /// is one thing, and for a failure that is about something else.
  ///
  /// - Parameters:
  ///   - whole: what opening the folder as one thing gave.
  ///   - folder: where.
  ///   - options: how.
  /// - Throws: `FileError` when the folder can't be listed.
  public init?(
    insteadOf whole: Result<Inspected, any Error>, of folder: FilePath,
    _ options: Options = Options()
  ) throws {
    guard folder.isFolder, !FolderContents.isOneThing(folder) else { return nil }
    let contents = try FolderContents(of: folder, recursive: false)
    switch whole {
    case .success(let inspected):
      // A checkpoint beside GGUF files, which opening the folder passes over.
      guard inspected.source?.container != .gguf,
        contents.things.contains(where: { $0.extension?.lowercased() == "gguf" })
      else { return nil }
    case .failure(let error):
      guard Self.isAboutSeveral(error),
        !contents.things.isEmpty || !contents.closedFolders.isEmpty
      else { return nil }
    }
    self.init(contents, of: folder, options)
  }

  private init(_ contents: FolderContents, of folder: FilePath, _ options: Options) {
    self.folder = folder
    otherFileCount = contents.otherFileCount
    namelessCount = contents.namelessCount
    closedFolders = contents.closedFolders
    weightFiles = contents.weightFiles
    let things = contents.things
    entries = Parallel.map(things.count, work: .max) { index in
      Entry(things[index], in: folder, options)
    }
  }

  /// Whether a folder was refused since it is not one checkpoint.
  private static func isAboutSeveral(_ error: any Error) -> Bool {
    switch error {
    case SafetensorsError.severalCheckpoints, SafetensorsError.noCheckpoint(_, nil),
      SafetensorsError.otherCheckpoint, CheckpointError.inside, CheckpointError.severalGGUF:
      true
    default: false
    }
  }
}

extension FolderListing.Entry {
  fileprivate init(
    _ path: FilePath, in folder: FilePath, _ options: FolderListing.Options
  ) {
    self.path = path
    let file = folder.pushing(path)
    do {
      let inspected = try Inspected(of: file, assumedAlpha: options.assumedAlpha)
      summary = InspectionSummary(inspected)
      findings = inspected.findings
      failure = nil
      var facts = options.forPrograms ? inspected.json().object : nil
      // Of thousands of files they would be gigabytes.
      facts?["metadata"] = nil
      self.facts = facts
    } catch {
      summary = nil
      findings = []
      failure = error
      facts = options.forPrograms ? Inspected.json(of: file, problem: "\(error)").object : nil
    }
  }
}
