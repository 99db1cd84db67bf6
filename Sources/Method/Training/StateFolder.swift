internal import Files
public import SystemPackage

/// The folder in which a run keeps its states, `step-000030.safetensors` and so on; the newest two
/// are kept.
public struct StateFolder: Sendable {
  /// Where the folder is.
  public let path: FilePath
  private static let keptCount = 2

  /// The folder at a path; it is made when the first state is saved.
  public init(_ path: FilePath) { self.path = path }

  /// Saves a state and removes those that are no longer kept.
  ///
  /// - Parameters:
  ///   - state: what to save.
  ///   - isKept: whether it stays when the run is finished.
  /// - Returns: where the state is.
  /// - Throws: when the folder can't be made or the state not be written.
  @discardableResult
  public func save(_ state: TrainingState, isKept: Bool = false) throws -> FilePath {
    try makeFolder(path)
    let digits = String(state.step)
    let number = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    let file = path.appending("step-\(number).safetensors")
    try state.write(to: file, isKept: isKept)
    // Those of later steps were passed over as damaged, or this run would have begun with them.
    let (later, kept) = (
      states.filter { $0.step > state.step }, states.filter { $0.step <= state.step }
    )
    for old in later + kept.dropFirst(Self.keptCount) { removeEntry(old.file) }
    return file
  }

  /// The newest state that is whole.
  ///
  /// - Parameters:
  ///   - start: the state at which the run started.
  ///   - skipped: called for each newer state that is damaged, with the reason.
  /// - Returns: the state to continue from.
  /// - Throws: when there is none, or when one belongs to a run with other settings.
  public func newest(
    start: TrainingState, skipped: (TrainingError) -> Void
  ) throws -> TrainingState {
    for (_, file) in states {
      do { return try TrainingState(reading: file, start: start) } catch let error as TrainingError
      {
        guard case .damagedState = error else { throw error }
        skipped(error)
      }
    }
    throw TrainingError.noState(folder: path)
  }

  /// Removes every state, and what killed runs left of states half written; the folder too, when
  /// nothing else is in it.
  public func clear() {
    for name in names where Self.step(of: name) != nil || name.hasPrefix(".step-") {
      removeEntry(path.appending(name))
    }
    removeEntry(path)
  }

  /// Makes the newest state stay when the run is finished, where it was saved by a run that wasn't to keep it.
  ///
  /// - Parameter start: the state at which the run started.
  /// - Throws: when the state can't be written, or is of a run with other settings.
  public func keep(start: @autoclosure () -> TrainingState) throws {
    guard !isEmpty, !isKept else { return }
    do { try save(newest(start: start()) { _ in }, isKept: true) } catch TrainingError.noState {
      // All are damaged, which is told where they are looked for.
    }
  }

  /// Whether the newest state is one that stays when the run is finished.
  public var isKept: Bool { states.first.map { TrainingState.isKept($0.file) } ?? false }

  /// Whether no state is there, whole or not.
  public var isEmpty: Bool { states.isEmpty }

  /// Step and file of every state, the newest first.
  private var states: [(step: Int, file: FilePath)] {
    names.compactMap { name in Self.step(of: name).map { ($0, path.appending(name)) } }
      .sorted { $0.step > $1.step }
  }

  private static func step(of name: String) -> Int? {
    guard name.hasPrefix("step-"), name.hasSuffix(".safetensors") else { return nil }
    return Int(name.dropFirst(5).dropLast(12))
  }

  private var names: [String] { folderNames(path) ?? [] }
}
