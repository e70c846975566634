"""What each effect has done, on the thread of the device it needs. A job keeps its result, then tells it.

Every job returns `Learned`: the event for the flow (posted only once what it says is durable) and what the
visit knows from then on.
"""
