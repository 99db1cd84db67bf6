import Adapters
import Synchronization
import Testing

@Suite("Remembered names")
struct NameMemoTests {
  @Test func eachNameIsLookedAtOnce() {
    let asked = Mutex<[String]>([])
    let memo = NameMemo<Int>()
    func find(_ name: String) -> Int {
      asked.withLock { $0.append(name) }
      return name.utf8.count
    }
    #expect(["a", "bc", "a", "bc"].map { memo.value(of: $0, find) } == [1, 2, 1, 2])
    #expect(asked.withLock { $0 } == ["a", "bc"])
  }

  /// One character, in two bytes and in three: no other program takes them for one name.
  @Test func composedAndDecomposedLettersAreTwoNames() {
    let memo = NameMemo<Int>()
    #expect(
      ["\u{E9}", "e\u{301}", "\u{E9}"].map { memo.value(of: $0, \.utf8.count) } == [2, 3, 2])
  }

  @Test func noMoreThanTheLimitAreRemembered() {
    let asked = Mutex(0)
    let memo = NameMemo<String>(limit: 2)
    for name in ["a", "b", "c", "c", "a"] {
      let found = memo.value(of: name) { name in
        asked.withLock { $0 += 1 }
        return name + "!"
      }
      #expect(found == name + "!")
    }
    #expect(asked.withLock { $0 } == 4)
  }
}
