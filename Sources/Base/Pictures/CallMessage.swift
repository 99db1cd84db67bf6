internal import CPictures

/// The message of a C call that failed.
enum CallMessage {
  /// Nil when `body` returned true, else the text it wrote.
  static func failure(of body: (UnsafeMutablePointer<CChar>) -> Bool) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CPIC_MESSAGE_SIZE)) {
      unsafe $0.initialize(repeating: 0)
      let message = $0.baseAddress!
      return unsafe body(message) ? nil : unsafe String(cString: message)
    }
  }
}
