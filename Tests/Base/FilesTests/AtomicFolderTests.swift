import Files
import SystemPackage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("A folder that appears complete or not at all")
struct AtomicFolderTests {
  let folder: TemporaryFolder
  let path: FilePath

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path.appending("model")
  }

  private static func write(_ text: String, to file: FilePath) throws {
    unsafe try writeAtomically(Array(text.utf8).span.bytes, to: file, overwrite: false)
  }

  private func replace(overwrite: Bool) throws {
    let output = try AtomicFolder(creating: path, overwrite: overwrite)
    try AtomicFolderTests.write("new", to: output.workingPath.appending("config.json"))
    try output.commit()
  }

  private func makeOld(_ names: [String]) throws {
    try folder.makeFolder("model")
    for name in names { try folder.write(Array("old".utf8), to: "model/\(name)") }
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try contents(of: path.appending(name)), as: UTF8.self)
  }

  @Test(arguments: [false, true])
  func appearsWithItsFilesAndNothingElse(isEmptyFolderThere: Bool) throws {
    if isEmptyFolderThere { try folder.makeFolder("model") }
    try replace(overwrite: false)
    #expect(try text("config.json") == "new")
    #expect(folder.entries == ["model"])
  }

  @Test func existingFolderIsRefused() throws {
    try makeOld(["config.json"])
    #expect(throws: FileError.destinationExists(file: path)) {
      try replace(overwrite: false)
    }
    #expect(try text("config.json") == "old")
    #expect(folder.entries == ["model"])
  }

  @Test func existingFolderIsReplacedAsAWhole() throws {
    try makeOld(["config.json", "m-00001-of-00002.safetensors", "m.safetensors.index.json"])
    try replace(overwrite: true)
    #expect(try text("config.json") == "new")
    #expect(throws: Errno.noSuchFileOrDirectory) { _ = try text("m.safetensors.index.json") }
    #expect(folder.entries == ["model"])
  }

  @Test func folderWithOtherFilesIsNeverReplaced() throws {
    try makeOld(["config.json", "holiday.jpg"])
    #expect(
      throws: FileError.cannotReplaceFolder(
        folder: path,
        reason: "it holds other things than a checkpoint's files (holiday.jpg)")
    ) { try replace(overwrite: true) }
    #expect(try text("holiday.jpg") == "old")
    #expect(folder.entries == ["model"])
  }

  @Test func fileIsNeverReplacedByAFolder() throws {
    try folder.write([1], to: "model")
    #expect(
      throws: FileError.cannotReplaceFolder(folder: path, reason: "it is not a folder")
    ) { try replace(overwrite: true) }
    #expect(throws: FileError.destinationExists(file: path)) {
      try replace(overwrite: false)
    }
  }

  @Test func folderThatAppearsMeanwhileIsKept() throws {
    let output = try AtomicFolder(creating: path, overwrite: false)
    try makeOld(["config.json"])
    #expect(throws: FileError.destinationExists(file: path)) { try output.commit() }
    #expect(try text("config.json") == "old")
    #expect(folder.entries == ["model"])
  }

  @Test func droppedFolderLeavesNothing() throws {
    try makeOld(["config.json"])
    do {
      let output = try AtomicFolder(creating: path, overwrite: true)
      try AtomicFolderTests.write("new", to: output.workingPath.appending("config.json"))
      #expect(folder.entries.count == 2)
    }
    #expect(folder.entries == ["model"])
    #expect(try text("config.json") == "old")
  }

  @Test func killedRunLeavesTheOldFolderAndTheNextRunCleansUp() async throws {
    try makeOld(["config.json"])
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path.string as String] in
      try AtomicFolderTests.begin(path)
      raise(SIGKILL)
    }
    #expect(try text("config.json") == "old")
    #expect(folder.entries.count == 2)
    try replace(overwrite: true)
    #expect(try text("config.json") == "new")
    #expect(folder.entries == ["model"])
  }

  @Test func signalHandlerRemovesTheFolderWithItsFiles() async throws {
    try makeOld(["config.json"])
    await #expect(processExitsWith: .exitCode(130)) { [path = path.string as String] in
      try AtomicFolderTests.begin(path)
      AtomicFile.removeTemporariesOnSignal()
      _exit(130)
    }
    #expect(try text("config.json") == "old")
    #expect(folder.entries == ["model"])
  }

  /// Leaves a folder with a finished and an unfinished file in it.
  private static func begin(_ path: String) throws {
    let output = try AtomicFolder(creating: FilePath(path), overwrite: true)
    try write("new", to: output.workingPath.appending("config.json"))
    let file = try AtomicFile(
      creating: output.workingPath.appending("m.safetensors"), byteCount: 100, overwrite: false)
    // Kept alive, as by a run that goes on.
    _ = unsafe Unmanaged.passRetained(output)
    _ = unsafe Unmanaged.passRetained(file)
  }
}
