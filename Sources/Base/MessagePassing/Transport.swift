/// What carries bytes between the processes of a run. Messages of two ranks arrive in the order in which they
/// were sent.
public protocol Transport: Sendable {
  /// Which process this is, counted from 0.
  var rank: Int { get }
  /// How many there are.
  var count: Int { get }

  /// Sends bytes; may wait until they are received.
  ///
  /// - Throws: ``RankError/lost(rank:detail:)`` or ``RankError/stopped``.
  func send(_ bytes: UnsafeRawBufferPointer, to rank: Int) throws(RankError)

  /// Receives as many bytes as the buffer has.
  ///
  /// - Throws: ``RankError/lost(rank:detail:)`` or ``RankError/stopped``.
  func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int) throws(RankError)

  /// Leaves the others, who do so too.
  func leave() throws(RankError)

  /// Ends all processes.
  func abort(status: Int32)
}
