import Dispatch
import Failures
import Files
import SystemPackage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("A file that appears complete or not at all")
struct AtomicFileTests {
  let folder: TemporaryFolder
  let file: FilePath
  let old = Array("old content".utf8)
  let new = Array("new content, longer".utf8)

  init() throws {
    folder = try TemporaryFolder()
    file = folder.path.appending("out.bin")
  }

  private func replace(with bytes: [UInt8], overwrite: Bool = true) throws {
    unsafe try writeAtomically(bytes.span.bytes, to: file, overwrite: overwrite)
  }

  @Test func appearsWithItsBytesAndNothingElse() throws {
    try replace(with: new, overwrite: false)
    #expect(try contents(of: file) == new)
    #expect(folder.entries == ["out.bin"])
  }

  @Test func existingDestinationIsRefusedAtTheStart() throws {
    try folder.write(old, to: "out.bin")
    #expect(throws: FileError.destinationExists(file: file)) {
      try replace(with: new, overwrite: false)
    }
    #expect(try contents(of: file) == old)
    #expect(folder.entries == ["out.bin"])
  }

  @Test func destinationThatAppearsMeanwhileIsKept() throws {
    let output = try AtomicFile(creating: file, overwrite: false)
    unsafe try output.write(new.span.bytes, at: 0)
    try folder.write(old, to: "out.bin")
    #expect(throws: FileError.destinationExists(file: file)) { try output.commit() }
    #expect(try contents(of: file) == old)
    #expect(folder.entries == ["out.bin"])
  }

  @Test func droppedOutputLeavesTheDestinationAsItWas() throws {
    try folder.write(old, to: "out.bin")
    do {
      let output = try AtomicFile(creating: file, byteCount: 100, overwrite: true)
      unsafe try output.write(new.span.bytes, at: 0)
      #expect(folder.entries.count == 2)
    }
    #expect(try contents(of: file) == old)
    #expect(folder.entries == ["out.bin"])
  }

  @Test func otherNameOfAReplacedFileKeepsTheOldBytes() throws {
    try folder.write(old, to: "out.bin")
    let other = try folder.hardLink("other.bin", to: "out.bin")
    try replace(with: new)
    #expect(try contents(of: file) == new)
    #expect(try contents(of: other) == old)
  }

  @Test func symbolicLinkIsReplacedNotFollowed() throws {
    let target = try folder.write(old, to: "target.bin")
    try folder.link("out.bin", to: "target.bin")
    try replace(with: new)
    #expect(try contents(of: file) == new)
    #expect(try contents(of: target) == old)
  }

  @Test func permissionsOfAReplacedFileStay() throws {
    try folder.write(old, to: "out.bin")
    try folder.setPermissions([.ownerReadWrite, .groupRead], of: "out.bin")
    try replace(with: new)
    var status = stat()
    #expect(unsafe stat(file.string, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o640)
  }

  @Test(arguments: [(nil, FileKind.folder), ("/dev/null", .device)] as [(String?, FileKind)])
  func whatIsNoRegularFileIsRefused(target: String?, kind: FileKind) throws {
    if let target {
      try folder.link("out.bin", to: target)
    } else {
      try folder.makeFolder("out.bin")
    }
    #expect(throws: FileError.notARegularFile(file: file, kind: kind)) {
      try replace(with: new)
    }
  }

  @Test func missingFolderNamesTheDestination() {
    let path: FilePath = "/nowhere/out.bin"
    let error = FileError.noFolder(file: path, folder: "/nowhere")
    #expect(throws: error) {
      unsafe try writeAtomically(new.span.bytes, to: path, overwrite: false)
    }
    #expect(throws: error) { try AtomicFile.check(path, overwrite: true) }
    #expect(error.failureKind == .outputRefused)
    #expect(
      error.description
        == "/nowhere/out.bin: cannot create: there is no folder '/nowhere'; make it first")
  }

  @Test func temporariesOfKilledRunsGoAndLivingOnesStay() throws {
    // As a killed run leaves it: right name, nobody's lock.
    try folder.write(old, to: ".out.bin.partial-0123456789ab")
    // Not ours: another destination, or no such name.
    try folder.write(old, to: ".out.bin2.partial-0123456789ab")
    try folder.write(old, to: ".out.bin.partial-notes")
    let living = try AtomicFile(creating: file, overwrite: true)
    unsafe try living.write(old.span.bytes, at: 0)
    try replace(with: new)
    #expect(folder.entries.count == 4)
    #expect(!folder.entries.contains(".out.bin.partial-0123456789ab"))
    try living.commit()
    #expect(try contents(of: file) == old)
    #expect(
      folder.entries == [".out.bin.partial-notes", ".out.bin2.partial-0123456789ab", "out.bin"])
  }

  @Test func longNamesWork() throws {
    let long = folder.path.appending(String(repeating: "n", count: 255))
    unsafe try writeAtomically(new.span.bytes, to: long, overwrite: false)
    #expect(try contents(of: long) == new)
    #expect(folder.entries.count == 1)
  }

  @Test func namesThatAreNotUTF8Work() throws {
    let bytes: [CInterop.PlatformChar] = [0x63, -0x17, 0x2E, 0x62, 0]
    let name = unsafe bytes.withUnsafeBufferPointer {
      unsafe FilePath(platformString: $0.baseAddress!)
    }
    let path = folder.path.pushing(name)
    unsafe try writeAtomically(new.span.bytes, to: path, overwrite: false)
    #expect(try contents(of: path) == new)
    #expect(folder.entries.count == 1)
  }

  @Test func fileSizeLimitIsAnErrorNotTheEnd() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let file = folder.path.appending("out.bin")
      var limit = rlimit(rlim_cur: 1000, rlim_max: 1000)
      #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let bytes = [UInt8](repeating: 1, count: 5000)
      #expect(throws: FileError.writeFailed(file: file, reason: .fileTooLarge)) {
        unsafe try writeAtomically(bytes.span.bytes, to: file, overwrite: false)
      }
      // The size may also be unknown at the start.
      #expect(throws: FileError.writeFailed(file: file, reason: .fileTooLarge)) {
        let output = try AtomicFile(creating: file, overwrite: false)
        unsafe try output.write(bytes.span.bytes, at: 0)
      }
      #expect(folder.entries == [])
    }
  }

  @Test func fullDiskShowsAtTheStart() throws {
    // More than any disk here has.
    #expect(throws: FileError.writeFailed(file: file, reason: .noSpace)) {
      _ = try AtomicFile(creating: file, byteCount: 1 << 42, overwrite: false)
    }
    #expect(folder.entries == [])
  }

  @Test func signalHandlerRemovesWhatIsUnfinished() async throws {
    try folder.write(old, to: "out.bin")
    await #expect(processExitsWith: .exitCode(130)) { [path = file.string as String] in
      let output = try AtomicFile(creating: FilePath(path), overwrite: true)
      signal(SIGINT) { _ in
        AtomicFile.removeTemporariesOnSignal()
        _exit(130)
      }
      // To the process: threads of the test runner block signals, its main thread does not.
      kill(getpid(), SIGINT)
      sleep(10)
      withExtendedLifetime(output) {}
    }
    #expect(folder.entries == ["out.bin"])
    #expect(try contents(of: file) == old)
  }

  /// A thread that goes on creating outputs while another ends the process.
  @Test func nothingIsCreatedWhileASignalEndsTheProcess() async throws {
    for round in 0..<8 {
      await #expect(processExitsWith: .exitCode(130)) {
        [path = file.string as String, round = round as Int] in
        DispatchQueue.global().async {
          while true { _ = try? AtomicFile(creating: FilePath(path), overwrite: true) }
        }
        usleep(UInt32(2000 + 700 * round))
        AtomicFile.removeTemporariesOnSignal()
        usleep(2000)
        _exit(130)
      }
      #expect(folder.entries == [])
    }
  }

  @Test func killedWriterLeavesTheDestinationAndOneTemporary() async throws {
    try folder.write(old, to: "out.bin")
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = file.string as String] in
      let output = try AtomicFile(creating: FilePath(path), byteCount: 1000, overwrite: true)
      unsafe try output.write(([1, 2, 3] as [UInt8]).span.bytes, at: 0)
      raise(SIGKILL)
    }
    #expect(try contents(of: file) == old)
    #expect(folder.entries.count == 2)
    try replace(with: new)
    #expect(try contents(of: file) == new)
    #expect(folder.entries == ["out.bin"])
  }

  @Test("holds what several threads write in any order, in parts of any size and place")
  func parts() throws {
    // More than the disk is told to begin with, and sizes that end with no page.
    let sizes = (0..<40).map { 1_000_003 + 4097 * $0 }
    let starts = sizes.indices.map { sizes[..<$0].reduce(3, +) }
    let output = try AtomicFile(creating: file, overwrite: false)
    unsafe try output.write(([7, 7, 7] as [UInt8]).span.bytes, at: 0)
    DispatchQueue.concurrentPerform(iterations: sizes.count) { number in
      let part = [UInt8](repeating: UInt8(number), count: sizes[number])
      do { unsafe try output.write(part.span.bytes, at: starts[number]) } catch {
        Issue.record(error)
      }
    }
    try output.commit()
    let expected = sizes.indices.flatMap { [UInt8](repeating: UInt8($0), count: sizes[$0]) }
    #expect(try contents(of: file) == [7, 7, 7] + expected)
  }
}

@Suite("Reading outputs back from the disk")
struct ReadingBackTests {
  @Test func whatIsAsWrittenGetsItsName() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let file = folder.path.appending("out.bin")
      AtomicFile.readBackFiles()
      let bytes = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 >> 5) }
      let output = try AtomicFile(creating: file, byteCount: bytes.count + 4, overwrite: false)
      unsafe try output.write(bytes.span.bytes, at: 4)
      // A header is written again when all is known.
      unsafe try output.write(([1, 2, 3, 4] as [UInt8]).span.bytes, at: 0)
      unsafe try output.write(([5, 6, 7, 8] as [UInt8]).span.bytes, at: 0)
      try output.commit()
      #expect(try contents(of: file) == [5, 6, 7, 8] + bytes)
      #expect(AtomicFile.readBackByteCount == 2_500_004)
    }
  }

  @Test func whatIsNotIsRefusedAndGone() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let file = folder.path.appending("out.bin")
      AtomicFile.readBackFiles()
      let output = try AtomicFile(creating: file, overwrite: false)
      let bytes = [UInt8](repeating: 9, count: 3 << 20)
      unsafe try output.write(bytes.span.bytes, at: 0)
      // As a disk would change it: behind the writer's back.
      let temporary = try #require(folder.entries.first)
      let other = try FileDescriptor.open(folder.path.appending(temporary), .writeOnly)
      try other.closeAfter { _ = try other.writeAll(toAbsoluteOffset: 2_000_000, [8]) }
      let error = FileError.differsOnDisk(file: file, offset: 1 << 20)
      #expect(throws: error) { try output.commit() }
      #expect(folder.entries == [])
      #expect(error.failureKind == .inputOutput)
      #expect(
        error.description == "\(file): not written: the disk gave back other bytes than were "
          + "written, from byte 1048576 on; check the disk and the memory")
    }
  }
}
