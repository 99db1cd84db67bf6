internal import Adapters
internal import Checkpoints
internal import Files
internal import Safetensors
internal import SystemPackage
internal import Tensors

/// What lies in a folder that is no checkpoint itself: files and folders that are one thing each, in
/// the order of their names' bytes.
struct FolderContents {
  /// What each thing is opened by, as a path from the folder; of several parts the first. What can't be opened
  /// is one too: a folder that can't be listed, a pipe with the name of a file.
  private(set) var things: [FilePath] = []
  /// Every file with weights, parts and those within things among them.
  private(set) var weightFiles: [FilePath] = []
  /// Files that are something else.
  private(set) var otherFileCount = 0
  /// Entries whose names are not UTF-8, which are left out.
  private(set) var namelessCount = 0
  /// Folders that were not looked into.
  private(set) var closedFolders: [FilePath] = []

  /// Endings of files that have weights, or should have.
  private static let weightEndings = ["safetensors", "sft", "gguf", "ckpt", "pt", "pth", "bin"]

  /// Endings of pictures, which may hold settings. Beside weights they are what shows these.
  private static let pictureEndings = ["png", "jpg", "jpeg", "webp"]
  private var pictures: [FilePath] = []

  /// Looks through a folder; where it holds nothing with weights, its pictures are the things.
  ///
  /// - Parameters:
  ///   - folder: where.
  ///   - recursive: whether folders in it are looked into that are no one thing.
  /// - Throws: ``FileError/cannotOpen(file:reason:)`` when the folder itself can't be listed.
  init(of folder: FilePath, recursive: Bool) throws(FileError) {
    var entered: Set<FileIdentity> = []
    guard read(folder, under: "", recursive: recursive, entered: &entered) else {
      do { try FileDescriptor.open(folder, .readOnly).close() } catch {
        throw .cannotOpen(file: folder, reason: error as? Errno ?? .ioError)
      }
      throw .cannotOpen(file: folder, reason: .notDirectory)
    }
    guard things.isEmpty else { return }
    things = pictures
    otherFileCount -= pictures.count
  }

  /// Answers whether the folder can be listed.
  private mutating func read(
    _ folder: FilePath, under path: FilePath, recursive: Bool, entered: inout Set<FileIdentity>
  ) -> Bool {
    // A link that leads back is not followed.
    if let identity = FileIdentity(of: folder), !entered.insert(identity).inserted { return true }
    guard let names = visibleEntries(ofFolder: folder) else { return false }
    namelessCount += unreadableNameCount(inFolder: folder)
    let laterParts = PartName.later(of: names)
    for name in names {
      let file = folder.appending(name)
      let own = path.appending(name)
      if file.isFolder {
        if Self.isOneThing(file) {
          things.append(own)
          var within = FolderContents()
          _ = within.read(file, under: own, recursive: true, entered: &entered)
          weightFiles += within.weightFiles
          namelessCount += within.namelessCount
        } else if !recursive {
          closedFolders.append(own)
        } else if !read(file, under: own, recursive: true, entered: &entered) {
          things.append(own)
        }
      } else if Self.weightEndings.contains(file.extension?.lowercased() ?? "") {
        if file.isRegularFile { weightFiles.append(own) }
        if !laterParts.contains(name) { things.append(own) }
      } else {
        otherFileCount += 1
        if Self.pictureEndings.contains(file.extension?.lowercased() ?? "") { pictures.append(own) }
      }
    }
    return true
  }

  private init() {}

  /// Whether a folder is a pipeline, a component, an adapter of PEFT's, or experts that belong together.
  static func isOneThing(_ folder: FilePath) -> Bool {
    PipelineFolder.isPipeline(folder) || BakedFolder(opening: folder) != nil
      || folder.appending("adapter_config.json").isRegularFile
      || folder.appending("config.json").isRegularFile && !holdsSeveral(folder)
  }

  /// Whether a folder has files of which none is more the folder's own than the others.
  private static func holdsSeveral(_ folder: FilePath) -> Bool {
    do { _ = try TensorSource(outlining: folder) } catch SafetensorsError.severalCheckpoints {
      return true
    } catch {}
    return false
  }
}
